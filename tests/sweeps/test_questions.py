"""Questions: pairs of runs on the ordinary training code, kept, extended, and judged."""

import json

import pytest
import torch

from tests.training.conftest import run_training, tiny_config
from vit import files, jobs
from vit.__main__ import main
from vit.data.load import load
from vit.errors import ConfigError, SweepError
from vit.sweeps import asking, questions
from vit.sweeps.cards import QUESTIONS
from vit.sweeps.questions import Pair
from vit.training.batches import prepare

TINY = {"model.image_size": 8, "model.patch_size": 2, "model.embed_dim": 16, "model.depth": 1, "model.num_heads": 2}
TINY |= {"train.batch_size": 16, "train.threads": 1}
CPU = torch.device("cpu")


@pytest.fixture
def positions(home, folder, monkeypatch):
    """The question about positions on the striped images, in a tiny budget."""
    monkeypatch.setattr(questions, "BASE", questions.BASE | TINY)
    return lambda seeds=3, steps=8: questions.propose(QUESTIONS["positions"], str(folder), seeds, steps)


def quiet(*_) -> None: ...


def test_every_question_can_be_asked_about_the_built_in_images(home):
    for question in QUESTIONS.values():
        asked = questions.propose(question, "shapes")
        assert asked.missing() == list(range(questions.DEFAULT_SEEDS))
        assert questions.expected_seconds(asked, questions.seconds_per_flop([])) > 0


def test_both_arms_of_a_seed_differ_in_what_is_asked_and_in_nothing_else(positions):
    first, second = (config.to_json() for config in positions().configs(seed=4))
    assert first["train"]["seed"] == second["train"]["seed"] == 4
    second["model"]["pos_embed"] = "learned"
    assert first == second


def test_only_the_question_about_luck_compares_different_seeds(home):
    first, second = questions.propose(QUESTIONS["luck"], "shapes").configs(seed=4)
    assert (first.train.seed, second.train.seed) == (4, 1004)


def test_a_run_of_a_question_is_an_ordinary_run(home, folder):
    config = tiny_config(data__source=str(folder), train__eval_every=12.0)
    data = prepare(load(str(folder), 8), config, CPU)
    found = asking.train(config, data, "fp32")
    _, state, _, _ = run_training(config, data, "one")
    assert found == state.val["val_accuracy"]


def test_an_answer_is_kept_and_more_seeds_extend_it(positions):
    asked = questions.ask(positions(seeds=3))
    assert asking.answer(asked, quiet) == asked.verdict().sentence
    before = asked.pairs()
    assert [pair.seed for pair in before] == [0, 1, 2]
    more = questions.ask(positions(seeds=4))
    assert (more.id, more.missing()) == (asked.id, [3])
    asking.answer(more, quiet)
    assert more.pairs()[:3] == before
    assert [found.id for found in questions.list_asked()] == [asked.id]


def test_another_length_is_another_answer(positions):
    assert positions(steps=8).id != positions(steps=9).id


def test_an_answer_is_still_known_when_the_base_has_changed(positions, monkeypatch):
    asked = questions.ask(positions())
    files.append_line(questions.lines_path(asked.id), Pair(seed=0, first=0.5, second=0.4).model_dump())
    monkeypatch.setitem(questions.BASE, "model.embed_dim", 32)
    assert positions().id != asked.id
    assert [len(found.pairs()) for found in questions.list_asked()] == [1]


def test_the_same_seed_gives_the_same_pair(positions):
    asked = questions.ask(positions(seeds=1))
    asking.answer(asked, quiet)
    first = asked.pairs()
    questions.lines_path(asked.id).unlink()
    asking.answer(asked, quiet)
    assert [(pair.first, pair.second) for pair in asked.pairs()] == [(pair.first, pair.second) for pair in first]


def test_a_damaged_line_costs_its_seed_only(positions):
    asked = questions.ask(positions(seeds=3))
    for seed in (0, 2):
        files.append_line(questions.lines_path(asked.id), Pair(seed=seed, first=0.5, second=0.4).model_dump())
    with open(questions.lines_path(asked.id), "ab") as file:
        file.write(b'{"seed": 1, "first": 7}\n{"seed"')
    assert asked.missing() == [1]


def test_equal_arms_and_arms_that_cannot_work_are_refused(home):
    with pytest.raises(SweepError, match="same configuration"):
        questions.propose(questions.own({"train.lr": 0.01}, {"train.lr": 0.01}), "shapes")
    with pytest.raises(ConfigError, match="does not divide"):
        questions.propose(questions.own({"model.num_heads": 4}, {"model.num_heads": 5}), "shapes")
    with pytest.raises(ConfigError, match="no such setting"):
        questions.propose(questions.own({"model.heads": 4}, {"model.heads": 5}), "shapes")


def test_a_question_is_answered_by_one_process_at_a_time(positions):
    asked = questions.ask(positions())
    with asking._alone(asked), pytest.raises(SweepError, match="being answered already"):
        asking.answer(asked, quiet)


def test_the_command_line_says_the_verdict(positions, folder, capsys):
    asking.answer(questions.ask(positions()), quiet)
    words = ["question", "positions", "--data", str(folder), "--seeds", "3", "--steps", "8"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["0", "1", "2"]
    assert "99% CI" in lines[-1]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["sentence"] == lines[-1]
    assert len(told["pairs"]) == 3


@pytest.mark.slow
def test_the_command_line_trains_in_the_background_and_waits(home, folder, capsys):
    arms = ["--a", "model.depth=1", "--b", "model.depth=2"]
    assert main(["question", "own", *arms, "--data", str(folder), "--seeds", "3", "--steps", "5"]) == 0
    assert "99% CI" in capsys.readouterr().out.splitlines()[-1]


def test_a_question_that_failed_is_told_with_its_reason(positions):
    asked = questions.ask(positions())
    jobs.folder().mkdir(parents=True, exist_ok=True)
    jobs.write(jobs.Job(asked.job, "question", "failed", error="out of memory"))
    with pytest.raises(SweepError, match="out of memory"):
        questions.follow(asked, quiet)


def test_the_command_line_refuses_half_a_question(home, capsys):
    assert main(["question", "positions", "--a", "train.lr=1"]) == 2
    assert main(["question", "own"]) == 2
    assert "--a and --b" in capsys.readouterr().err


def test_what_is_asked_in_the_background_is_a_job(positions, monkeypatch):
    started = []
    monkeypatch.setattr(jobs, "start", lambda *words: started.append(words))
    asked = questions.ask(positions())
    questions.start(asked)
    assert started == [("question", f"question@{asked.id}", "vit.sweeps.asking", asked.id)]


@pytest.mark.slow
def test_positions_matter_where_place_is_the_class(home, folder):
    """The striped images differ by the place of their stripe alone, which a bag of patches can't see."""
    larger = {**TINY, "model.embed_dim": 32, "model.depth": 2}
    question = questions.own(*({**larger, "model.pos_embed": kind} for kind in ("learned", "none")))
    asked = questions.ask(questions.propose(question, str(folder), 5, 300))
    asking.answer(asked, quiet)
    verdict = asked.verdict()
    assert verdict.is_found
    assert verdict.difference > 0.2
