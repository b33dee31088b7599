"""A configuration is judged whole: every problem at once, each with its field, value and remedy."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit import config, presets, rules
from vit.config import RunConfig
from vit.errors import ConfigError, RunError
from vit.rules import Environment, find_problems, validate

AROUND = Environment(num_train=1000, num_classes=10, memory_bytes=2 * 10**9, devices=("cpu",))


def problems(overrides: dict, environment: Environment = AROUND) -> dict[str, object]:
    """Field -> remedy of what is wrong with the default configuration under some overrides."""
    raw = config.merge(RunConfig().to_json(), overrides)
    return {problem.field: problem.remedy for problem in find_problems(raw, environment)}


def test_the_default_configuration_has_no_problem():
    assert problems({}) == {}


def test_all_problems_are_reported_at_once_with_field_value_and_remedy():
    raw = config.merge(
        RunConfig().to_json(),
        {"model.patch_size": 7, "model.num_heads": 3, "model.depth": -1, "train.lr": math.nan, "train.color": "red"},
    )
    with pytest.raises(ConfigError) as caught:
        validate(raw, AROUND)
    found = {problem.field: problem for problem in caught.value.problems}
    assert set(found) == {"model.patch_size", "model.num_heads", "model.depth", "train.lr", "train.color"}
    assert found["model.patch_size"].value == 7
    assert found["model.patch_size"].remedy == 8
    assert "1, 2, 4, 8, 16 or 32" in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "field", "remedy"),
    [
        ({"model.patch_size": 5}, "model.patch_size", 4),
        ({"model.stem": "conv", "model.patch_size": 2}, "model.patch_size", 4),
        ({"model.stem": "conv", "model.patch_size": 5}, "model.patch_size", 4),
        ({"model.stem": "conv", "model.image_size": 30}, "model.image_size", 28),
        ({"model.stem": "conv", "model.image_size": 24, "model.patch_size": 16}, "model.patch_size", 12),
        ({"model.stem": "resnet", "model.image_size": 8, "model.patch_size": 8}, "model.image_size", 16),
        ({"model.embed_dim": 100, "model.num_heads": 3}, "model.num_heads", 2),
        ({"model.pos_embed": "rope", "model.embed_dim": 36, "model.num_heads": 6}, "model.embed_dim", 48),
        ({"model.pos_embed": "sincos2d", "model.embed_dim": 30, "model.num_heads": 2}, "model.embed_dim", 32),
        ({"train.batch_size": 901}, "train.batch_size", 900),
        ({"train.warmup": 5000}, "train.warmup", 0.1),
        ({"train.warmup": 70}, "train.warmup", 0.1),
        ({"train.epochs": None}, "train.epochs", 5),
        ({"data.val_size": 1000}, "data.val_size", 0.1),
        ({"model.num_classes": 11}, "model.num_classes", 10),
        ({"train.device": "cuda"}, "train.device", "auto"),
    ],
)
def test_a_remedy_is_offered_and_it_works(overrides, field, remedy):
    assert problems(overrides) == {field: remedy}
    assert problems({**overrides, field: remedy}) == {}


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, -math.inf, 1e10, "fast", None, [], 10**400])
def test_an_absurd_learning_rate_is_refused_by_name(value):
    assert "train.lr" in problems({"train.lr": value})


@pytest.mark.parametrize("overrides", [{"train.warmup": 69}, {"train.warmup": 0.999}, {"train.warmup": 0}], ids=str)
def test_a_warm_up_may_be_as_long_as_the_run_but_for_a_step(overrides):
    assert problems(overrides) == {}


def test_a_warm_up_of_less_than_a_step_is_a_share_of_however_short_a_run():
    assert problems({"train.epochs": None, "train.steps": 1, "train.warmup": 0.5}) == {}
    assert list(problems({"train.epochs": None, "train.steps": 1, "train.warmup": 1})) == ["train.warmup"]


def test_only_one_length_may_be_given():
    assert list(problems({"train.steps": 10})) == ["train.steps"]


def test_a_model_that_does_not_fit_is_refused_from_arithmetic_alone():
    found = problems({"model.embed_dim": 8192, "model.depth": 256, "model.num_heads": 64})
    assert list(found) == ["train.batch_size"]


@given(
    st.dictionaries(st.sampled_from(config.field_names()), st.one_of(st.integers(), st.floats(), st.text(), st.none()))
)
def test_any_configuration_is_accepted_or_refused_with_known_field_names(overrides):
    assert set(problems(overrides)) <= set(config.field_names())


def test_a_configuration_survives_json():
    original = validate(presets.build("tutorial"))
    assert validate(json.loads(json.dumps(original.to_json()))) == original


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_is_valid_and_says_what_it_is_for(name):
    environment = Environment(num_train=50_000, num_classes=10, memory_bytes=4 * 10**9, devices=("cpu", "cuda"))
    assert find_problems(presets.build(name), environment) == ()
    assert presets.PRESETS[name].purpose.endswith(".")
    assert presets.PRESETS[name].measured.startswith("Reached ") or presets.PRESETS[name].is_lesson


def test_each_device_is_offered_its_own_presets_and_the_textbooks():
    on_cpu, on_gpu = presets.offered("cpu"), presets.offered("cuda")
    assert set(on_cpu) | set(on_gpu) == {preset.name for preset in presets.PRESETS.values() if not preset.is_lesson}
    assert set(on_cpu) & set(on_gpu) == {"plain", "tutorial"}
    for device, names in (("cpu", on_cpu), ("cuda", on_gpu)):
        assert presets.default(device) in names
        titles = [presets.PRESETS[name].title for name in names]
        assert len(set(titles)) == len(titles)


def test_a_length_given_replaces_the_presets_own():
    train = validate(presets.build("1-minute", {"train.steps": 7})).train
    assert (train.steps, train.minutes, train.epochs) == (7, None, None)


def test_a_configuration_of_another_version_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**RunConfig().to_json(), "schema_version": 99}))
    with pytest.raises(ConfigError, match="schema_version=99"):
        rules.read(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_an_unreadable_configuration_is_a_sentence(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises((RunError, ConfigError)):
        rules.read(path)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"train.lr": -1}, "should be greater than 0"),
        ({"init.checkpoint": "x" * 5000}, "string should have at most 4096 characters"),
        ({"train.colour": 1}, "there is no such setting; there are train.epochs, train.steps"),
        ({"model.num_heads": 5}, "does not divide embed_dim=128; use"),
        ({"train.batch_size": 901}, "larger than the 900 training images; use at most 900"),
        ({"model.num_classes": 11}, "the data set has 10 classes"),
        ({"train.steps": 10}, "the length is already given by train.epochs; set only one"),
        ({"train.device": "mps"}, "this machine has no such device; it has cpu"),
        ({"train.warmup": 10_000}, "the warm-up is as long as the run of 70 steps or longer; use a share such as 0.1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_problem_is_said_in_words_that_go_on_behind_the_field(overrides, message):
    ((field, value),) = overrides.items()
    found = {
        problem.field: problem for problem in find_problems(config.merge(RunConfig().to_json(), overrides), AROUND)
    }
    assert found[field].message.startswith(message)
    assert found[field].value == value


@pytest.mark.parametrize(("patch_size", "reduction"), [(4, 4), (8, 8), (12, 4), (16, 8), (36, 4), (72, 8)])
def test_the_stem_halves_the_image_twice_or_three_times_as_patches_allow(patch_size, reduction):
    model = config.ModelConfig(patch_size=patch_size, image_size=patch_size, stem="conv")
    assert model.stem_reduction == reduction
    assert sum(model.stem_pools) == math.log2(reduction)


def test_the_stem_widens_from_a_quarter_to_the_whole_embedding_but_never_below_eight_channels():
    assert config.ModelConfig(embed_dim=128).stem_widths == (32, 64, 128)
    assert config.ModelConfig(embed_dim=12, num_heads=2).stem_widths == (8, 8, 12)
    assert config.ModelConfig(embed_dim=4, num_heads=2).stem_widths == (8, 8, 4)
    assert config.ModelConfig(embed_dim=64, stem="resnet").stem_widths == (32, 64, 128)


def test_a_deep_resnet_begins_with_a_convolution_at_full_resolution():
    model = config.ModelConfig(embed_dim=64, patch_size=4, stem="resnet-deep")
    assert model.stem_widths == (16, 32, 64, 128)
    assert model.stem_pools == (False, True, True, False)
    assert model.stem_residuals == (False, False, True, True)


def test_an_epoch_of_fewer_images_than_a_batch_is_still_a_step():
    few = RunConfig(train=config.TrainConfig(epochs=5, batch_size=2000))
    assert rules.planned_steps(few, 1000) == 5
    assert rules.planned_steps(few, None) is None
    assert rules.planned_steps(RunConfig(), 1000) == 5 * (900 // 64)


def test_a_setting_of_what_has_no_settings_is_refused_by_name():
    with pytest.raises(ConfigError) as refused:
        validate(config.merge(config.RunConfig().to_json(), {"preset.x": 1}))
    assert [problem.field for problem in refused.value.problems] == ["preset"]
