"""Each cause is found where it shows, and not where one part of the evidence is missing."""

import pytest

from vit import presets
from vit.config import RunConfig, field_info
from vit.doctor import causes
from vit.rules import find_problems

DEEP = {"model.depth": 12, "train.warmup": 0.0}
ADAMW = {"train.optimizer": "adamw", "train.lr": 1e-3}


def names(case) -> list[str]:
    return [finding.name for finding in causes.find(case)]


def test_a_healthy_run_gets_no_finding(case):
    assert names(case()) == []


@pytest.mark.parametrize("preset", [name for name, preset in presets.PRESETS.items() if not preset.is_lesson])
def test_no_preset_is_suspicious_by_itself(case, preset):
    settings = {name: value for name, value in presets.PRESETS[preset].settings.items() if name != "train.minutes"}
    assert names(case(settings | {"train.minutes": 1} if "train.epochs" not in settings else settings)) == []


def test_a_run_that_has_just_begun_gets_no_finding(case):
    assert names(case(until=200, guesses=True, update_ratio=0.4)) == []


FOUND = {
    "diverged": [
        {"failure": "DivergedError"},
        {"clean_train_loss": (2.0, 6.0), "val_loss": (2.0, 6.0)},
    ],
    "lr-too-high": [{"settings": {"train.lr": 0.2}, "guesses": True, "update_ratio": 0.3}],
    "tiny-batch": [
        {"settings": {"train.batch_size": 4}, "guesses": True, "update_ratio": 0.3},
        {"settings": {"train.batch_size": 4}, "failure": "DivergedError"},
    ],
    "no-warmup": [
        {"settings": DEEP, "plan_fields": {"warmup_steps": 0}, "guesses": True},
        {"settings": DEEP, "plan_fields": {"warmup_steps": 0}, "failure": "DivergedError"},
    ],
    "clipped": [{"settings": {"train.grad_clip": 1e-4}}],
    "head-untrained": [{"head_update_ratio": 0.0, "guesses": True}],
    "lr-too-low": [{"settings": ADAMW | {"train.lr": 1e-5}, "update_ratio": 2e-4, "val_accuracy": (0.1, 0.25)}],
    "weight-decay": [{"settings": {"train.weight_decay": 1.0}, "weight_norm": (0.02, 0.01)}],
    "labels-random": [
        {"guesses": True, "clean_train_accuracy": (0.1, 0.9)},
        {"guesses": True, "linear_accuracy": 0.1},
    ],
    "positions": [
        {"settings": {"model.pos_embed": "none"}, "place_effect": 1e-7, "val_accuracy": 0.2, "linear_accuracy": 0.9}
    ],
    "class-token": [{"settings": {"model.pool": "cls"}, "guesses": True, "class_token_share": 0.001}],
    "stuck": [{"guesses": True, "linear_accuracy": 0.3}],
    "overfitting": [{"clean_train_accuracy": (0.3, 1.0), "val_loss": (1.0, 1.5)}],
    "coarse-patches": [{"settings": {"model.stem": "patch", "model.patch_size": 16}}],
    "attention-collapsed": [{"attention_entropy": 0.01}],
    "dead-heads": [{"dead_heads": 0.5}],
    "identical-heads": [{"identical_heads": 0.5}],
    "starved": [{"cpu_cores": 0.2}],
    "plateau": [{"val_loss": 1.5, "lr": 5e-3}],
}


@pytest.mark.parametrize(("name", "given"), [(name, given) for name, all_given in FOUND.items() for given in all_given])
def test_what_is_wrong_is_found_and_nothing_else(case, name, given):
    assert names(case(**given)) == [name]


NEARLY = [
    {"guesses": True, "update_ratio": 0.3, "until": 300},  # too early to say
    {"settings": {"train.batch_size": 4}},  # a small batch that learns
    {"settings": DEEP, "plan_fields": {"warmup_steps": 0}},  # no warm-up, and it learns
    {"settings": {"train.grad_clip": 0.1}},  # clipped often, not strangled
    {"head_update_ratio": (0.0, 0.1)},  # it moved
    {"settings": ADAMW | {"train.lr": 1e-5}, "update_ratio": 5e-3, "val_accuracy": (0.1, 0.25)},  # it moves
    {"settings": ADAMW | {"train.lr": 1e-5}, "update_ratio": 2e-4, "val_accuracy": (0.9, 0.95)},  # it knows already
    {"settings": {"train.weight_decay": 1.0}},  # weights grow
    {"weight_norm": (0.02, 0.01)},  # the usual decay
    {"settings": {"model.pos_embed": "none"}, "place_effect": 1e-7},  # better than a linear model
    {"settings": {"model.pool": "cls"}, "class_token_share": 0.001},  # it learns
    {"clean_train_accuracy": (0.3, 1.0)},  # a gap, and the val loss still falls
    {"val_loss": (1.0, 1.5)},  # worse, and no gap
    {"settings": {"model.stem": "patch", "model.patch_size": 8}},
    {"dead_heads": (0.5, 0.0)},  # they come to life
    {"val_loss": 1.5},  # flat at the end, where steps are small
]


@pytest.mark.parametrize("given", NEARLY)
def test_a_part_of_the_evidence_is_no_finding(case, given):
    assert names(case(**given)) == []


def test_an_unbalanced_data_set_is_judged_by_its_own_chance(case):
    guess = {"chance_accuracy": 0.9, "chance_loss": 0.33, "val_accuracy": 0.9, "val_loss": 0.33, "linear_accuracy": 0.9}
    assert names(case(guesses=True, **guess, clean_train_accuracy=0.9, clean_train_loss=0.33)) == ["labels-random"]


def test_runs_that_were_recorded_without_signals_get_findings_from_their_curves_alone(case):
    bare = case(guesses=True)
    rows = [{name: row[name] for name in ("step", "val_loss", "val_accuracy", "train_loss", "lr")} for row in bare.rows]
    assert names(type(bare)(rows, bare.plan, bare.config)) == ["stuck"]
    assert names(type(bare)([], bare.plan, bare.config)) == []


@pytest.mark.parametrize("name", FOUND)
def test_a_remedy_is_a_configuration_that_can_be_trained(case, name):
    ill = case(**FOUND[name][0])
    remedy = causes.find(ill)[0].remedy
    raw = ill.config.to_json()
    for setting, value in remedy.settings.items():
        field_info(setting)
        section, _, key = setting.partition(".")
        assert raw[section][key] != value
        raw[section][key] = value
    assert find_problems(raw) == ()
    assert RunConfig.model_validate(raw)


STEERABLE = ("train.lr", "train.weight_decay", "train.label_smoothing", "train.grad_clip", "augment.")


@pytest.mark.parametrize("name", FOUND)
def test_a_fork_changes_only_what_may_change_while_a_run_trains(case, name):
    remedy = causes.find(case(**FOUND[name][0], **{} if "until" in FOUND[name][0] else {"until": 500}))
    for finding in remedy:
        if finding.remedy.start != "new":
            assert all(setting.startswith(STEERABLE) for setting in finding.remedy.settings)


def test_problems_come_before_hints(case):
    found = causes.find(case(guesses=True, dead_heads=1.0, linear_accuracy=0.3))
    assert [finding.severity for finding in found] == ["problem", "hint"]


@pytest.mark.parametrize("value", [-1e300, -1.0, 0.0, 7.0, 1e300])
@pytest.mark.parametrize("guesses", [False, True])
def test_numbers_that_no_training_writes_are_no_error(case, value, guesses):
    """Metrics come from a file that somebody may have edited."""
    whole = case(guesses=guesses, class_token_share=0.5)
    for name in whole.rows[0]:
        rows = [row | {name: value} for row in whole.rows]
        assert isinstance(names(type(whole)(rows, whole.plan, whole.config)), list)
