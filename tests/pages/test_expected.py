"""What is foretold of a run stands under its curve, and is graded at its end."""

import pytest
from seen import accuracy_chart, numbers, text_of
from worlds import TOTAL_STEPS, held, written_run

from vit import forecast

LOW, HIGH = 0.62, 0.72
CURVE = [(0.5, 0.5, 0.4, 0.6), (1.0, 0.68, LOW, HIGH)]


def foretold(run, low=LOW, high=HIGH) -> None:
    reaches = {"accuracy": 0.68, "low": low, "high": high, "count": 3}
    forecast.write(run, forecast.Forecast(total_steps=TOTAL_STEPS, seconds=100, reaches=reaches, curve=CURVE))


@pytest.mark.parametrize(("x", "end"), [("step", TOTAL_STEPS), ("epoch", 4), ("time", 100), ("images", 64_000)])
def test_the_expected_curve_lies_under_the_live_one_over_the_whole_run(visit, alive, x, end):
    run = written_run("quick-otter", phase="training", step=300)
    foretold(run)
    held(run, alive)
    chart = accuracy_chart(visit("train", run="quick-otter", x=x))
    band, ghost, *others = chart["series"]
    assert (band["kind"], ghost["kind"]) == ("band", "ghost")
    assert "val" in [line["kind"] for line in others]
    assert numbers(ghost["x"]) == pytest.approx([end / 2, end])
    assert numbers(ghost["y"]) == pytest.approx([0.5, 0.68])
    assert numbers(band["x"]) == pytest.approx([end / 2, end, end, end / 2])
    assert numbers(band["y"]) == pytest.approx([0.6, HIGH, LOW, 0.4])
    assert "expected to reach 62–72%" in chart["alt"]


def test_without_a_forecast_there_is_no_ghost(visit):
    written_run("quick-otter", phase="stopped", step=300)
    chart = accuracy_chart(visit("train", run="quick-otter"))
    assert not {"ghost", "band"} & {line["kind"] for line in chart["series"]}
    assert "expected" not in chart["alt"]


@pytest.mark.parametrize(
    ("band", "verdict"),
    [
        ((0.62, 0.72), "Expected 62–72% val accuracy, reached 70.0%: as expected"),
        ((0.72, 0.78), "Expected 72–78% val accuracy, reached 70.0%: less than expected"),
        ((0.60, 0.66), "Expected 60–66% val accuracy, reached 70.0%: better than expected"),
        ((0.701, 0.704), "Expected 70.1–70.4% val accuracy, reached 70.0%: less than expected"),
    ],
)
def test_a_finished_run_is_graded(visit, band, verdict):
    foretold(written_run("quick-otter"), *band)
    (told,) = visit("train", run="quick-otter").success
    assert f"{verdict}." in told.value


def test_a_finished_run_of_which_nothing_was_foretold_is_not(visit):
    written_run("quick-otter")
    assert "Expected" not in text_of(visit("train", run="quick-otter"))
