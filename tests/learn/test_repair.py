"""The recipe that fails does, and its repairs are settings of the form."""

import pytest

from vit import presets
from vit.learn import repair
from vit.rules import validate

LEARNS = 2.0  # train loss of ten classes with smoothed labels; guessing gives 2.30


def test_the_recipe_fails_on_each_of_three_seeds_and_learns_on_each_once_it_is_repaired():
    found = repair.recorded()
    assert found is not None
    first, last = found.of(0), found.of(len(repair.RUNGS) - 1)
    assert [run.seed for run in first] == [run.seed for run in last] == [0, 1, 2]
    assert min(run.last_loss for run in first) > LEARNS > max(run.last_loss for run in last)
    assert found.last_loss(0) == pytest.approx(sum(run.losses[-1] for run in first) / 3)


@pytest.mark.parametrize("rung", range(len(repair.RUNGS)))
def test_every_repair_is_a_valid_recipe_that_keeps_the_ones_before(rung):
    config = validate(presets.build(repair.PRESET, repair.settings(rung)))
    assert config.preset == repair.PRESET
    assert repair.settings(rung).keys() >= repair.settings(max(0, rung - 1)).keys()


def test_without_a_record_nothing_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(repair, "RECORDED", tmp_path / "repair.json")
    assert repair.recorded() is None
    for content in ("{", '{"figures": {"data": "x", "runs": []}}'):
        repair.RECORDED.write_text(content)
        assert repair.recorded() is None


def test_nobody_is_led_to_the_recipe_that_fails_but_by_a_link():
    for device in ("cpu", "cuda", "mps"):
        assert repair.PRESET not in presets.offered(device)
