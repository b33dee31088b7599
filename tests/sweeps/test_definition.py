"""What can be varied, and how it is written."""

import pytest

from vit.config import RunConfig, field_names
from vit.errors import ConfigError, SweepError
from vit.runs import launch
from vit.sweeps import directory
from vit.sweeps.definition import SHARED, Definition, check, num_trials, parse, suggested
from vit.sweeps.directory import Sweep


@pytest.mark.parametrize(
    "text",
    [
        "train.lr=0.0001..0.01:log",
        "train.weight_decay=0..0.2",
        "model.depth=1..6",
        "train.optimizer=adamw,muon",
        "train.whiten=true,false",
        "model.embed_dim=64,128",
    ],
)
def test_a_varied_setting_is_read_and_written_alike(text):
    assert str(parse(text)) == text


def test_values_keep_their_types():
    assert parse("train.whiten=true,false").values == (True, False)
    assert parse("train.lr=1e-3,0.01").values == (0.001, 0.01)
    assert parse("model.pool=cls,mean").values == ("cls", "mean")


@pytest.mark.parametrize("text", ["train.lr", "train.lr=", "=1,2", "train.lr=a..b", "train.lr=1..inf"])
def test_what_is_not_written_as_a_choice_is_refused(text):
    with pytest.raises(SweepError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "sampler", "words"),
    [
        ("train.rate=1,2", "tpe", "no such setting"),
        ("data.source=a,b", "tpe", "is the same in all trials"),
        ("train.lr=0.1", "tpe", "at least two"),
        ("train.lr=0.1,0.1", "tpe", "at least two"),
        ("train.lr=0.1,20", "tpe", "less than or equal to 10"),
        ("train.lr=0.1..20", "tpe", "less than or equal to 10"),
        ("model.pool=1..2", "tpe", "is not a number"),
        ("train.whiten=0..1", "tpe", "is not a number"),
        ("train.lr=0.1..0.01", "tpe", "must rise"),
        ("train.weight_decay=0..1:log", "tpe", "begin above 0"),
        ("model.depth=1.5..4", "tpe", "whole number"),
        ("train.lr=0.1..0.2", "grid", "a grid needs values"),
    ],
)
def test_what_cannot_be_varied_is_told_with_its_setting(text, sampler, words):
    definition = Definition(name="one", config={}, varied=(parse(text), parse("model.qkv_bias=true,false")))
    with pytest.raises(ConfigError, match=words) as told:
        check(definition.model_copy(update={"sampler": sampler}))
    assert {problem.field for problem in told.value.problems} == {text.partition("=")[0]}


def test_a_sweep_over_nothing_or_over_one_setting_twice_is_refused():
    with pytest.raises(ConfigError, match="varies nothing"):
        check(Definition(name="one", config={}, varied=()))
    with pytest.raises(ConfigError, match="varied twice"):
        check(Definition(name="one", config={}, varied=(parse("model.pool=cls,mean"), parse("model.pool=mean,cls"))))


@pytest.mark.parametrize("is_grid", [True, False])
def test_what_is_suggested_for_a_setting_can_be_used(is_grid):
    raw = RunConfig().to_json()
    names = [name for name in field_names() if name not in SHARED]
    texts = {name: suggested(name, raw[name.partition(".")[0]][name.partition(".")[2]], is_grid) for name in names}
    empty = [name for name, text in texts.items() if not text]
    assert empty == ["train.steps", "train.minutes"]  # which have no value here
    for name, text in texts.items():
        if text:
            one = parse(f"{name}={text}")
            check(Definition(name="one", config=raw, varied=(one,), sampler="grid" if is_grid else "tpe"))


def test_a_grid_has_no_more_trials_than_combinations():
    varied = (parse("model.pool=cls,mean"), parse("train.lr=1,2,3"))
    assert [num_trials(varied, "grid", asked) for asked in (None, 4, 100)] == [6, 4, 6]
    assert [num_trials(varied, "random", asked) for asked in (None, 100)] == [12, 100]


def test_a_sweep_is_found_by_its_name_alone_and_made_once(made):
    sweep = made()
    assert Sweep.find("tiny").definition() == sweep.definition()
    assert [found.name for found in directory.list_sweeps()] == ["tiny"]
    with pytest.raises(SweepError, match="already a sweep"):
        made()
    for name in ("other", "../tiny", ""):
        with pytest.raises(SweepError, match="no sweep"):
            Sweep.find(name)


@pytest.mark.parametrize("name", ["", "..", "Rates", "a" * 57, "con"])
def test_a_name_that_cannot_be_a_folder_is_refused(made, name):
    with pytest.raises(SweepError, match="can't be a sweep's name"):
        made(name=name)


def test_a_name_whose_runs_are_there_already_is_refused(made):
    launch.create(RunConfig(), "tiny-3")
    launch.create(RunConfig(), "small-boat")
    with pytest.raises(SweepError, match="tiny-3"):
        made()
    assert made(name="small").name == "small"


def test_a_damaged_definition_is_told(made):
    sweep = made()
    sweep.definition_path.write_text("{")
    with pytest.raises(SweepError, match="damaged"):
        sweep.definition()
