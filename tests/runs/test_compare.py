"""Settings side by side, and who came from whom."""

import pytest
from worlds import config, written_run

from vit import files
from vit.runs import compare, family
from vit.runs.summary import summarize


def made(run_id: str, parent: str = "", step: int = 0, changes: list[dict] = (), **overrides):
    run = written_run(run_id, "stopped", 100)
    files.write_json(run.config_path, config(**overrides).to_json())
    if parent:
        files.write_json(run.fork_path, {"parent": parent, "step": step})
    for change in changes:
        files.append_line(run.changes_path, change)
    return run


def test_only_what_differs_is_named(home):
    one, two = made("one"), made("two", **{"train.lr": 0.5, "model.depth": 2})
    found = [compare.settings(run) for run in (one, two)]
    assert compare.differing(found) == ["model.depth", "train.lr"]
    assert compare.differing([found[0], found[0]]) == []
    assert compare.words(found[1]["train.lr"]) == "0.5"


def test_what_was_changed_while_a_run_trained_is_a_setting_too(home):
    changes = [{"step": 40, "settings": {"train.lr": 0.25}}, {"step": 60, "total_steps": 2000}]
    one, two = made("one", changes=changes, **{"train.lr": 0.5}), made("two", **{"train.lr": 0.5})
    found = compare.settings(one)
    assert compare.words(found["train.lr"]) == "0.5, from step 40: 0.25"
    assert compare.words(found["plan.total_steps"]) == "1000, from step 60: 2000"
    assert compare.differing([found, compare.settings(two)]) == ["train.lr", "plan.total_steps"]


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"model": [], "train": 5}'])
def test_a_damaged_configuration_has_no_settings(home, content):
    run = made("one")
    run.config_path.write_bytes(content)
    run.plan_path.write_bytes(b"{")
    assert compare.settings(run) == {}


def members(runs: list, *chosen: str) -> list[tuple[str, int]]:
    return [(member.id, member.depth) for member in family.trees([summarize(run) for run in runs], list(chosen))]


@pytest.fixture
def runs(home):
    """one -> two -> four, one -> three, and five by itself; the newest first, as a list has them."""
    changed = [{"step": 50, "settings": {"train.lr": 0.25}}]
    made_runs = [
        made("one", **{"train.lr": 0.5}),
        made("two", "one", 50, changed, **{"train.lr": 0.5}),
        made("three", "one", 60, **{"train.lr": 0.5}),
        made("four", "two", 80, changed, **{"train.lr": 0.5}),
        made("five"),
    ]
    return made_runs[::-1]


def test_a_family_is_whole_whoever_of_it_is_chosen(runs):
    whole = [("one", 0), ("two", 1), ("four", 2), ("three", 1)]
    assert all(members(runs, name) == whole for name in ("one", "two", "three", "four"))
    assert members(runs, "four", "five", "one") == [*whole, ("five", 0)]


def test_a_parent_that_was_deleted_keeps_its_place(runs):
    left = [run for run in runs if run.id != "one"]
    assert members(left, "four") == [("one", 0), ("two", 1), ("four", 2), ("three", 1)]


def test_runs_that_name_each_other_as_parents_end(home):
    runs = [made("one", "two", 5), made("two", "one", 5), made("self", "self", 5)]
    assert sorted(name for name, _ in members(runs, "one", "self")) == ["one", "self", "two"]


def test_a_fork_is_compared_where_it_leaves_its_parent(runs):
    found = {found.id: family.changed(found) for found in family.trees([summarize(run) for run in runs], ["one"])}
    assert found["two"] == {"train.lr": (0.5, 0.25)}
    assert found["one"] == found["three"] == found["four"] == {}


def test_weights_that_a_run_began_with_are_a_parent_too(home):
    made("teacher")
    pupil = summarize(made("pupil", **{"init.checkpoint": "teacher@last", "train.lr": 0.125}))
    (parent, member) = family.trees([pupil], ["pupil"])
    assert (parent.run, member.parent, member.fork_step) == (None, "teacher", None)
    assert family.changed(member)["train.lr"][1] == 0.125
