"""What was foretold of a run, in words and as pale lines under its curve."""

from pages.shared.live_chart import Series
from vit import forecast
from vit.expectation import band
from vit.runs.directory import Run
from vit.runs.metrics import Rows
from vit.runs.status import RunState
from vit.text import percent


def ghost(run: Run, rows: Rows, x: str) -> tuple[list[Series], str]:
    """The expected curve and its band over the whole run, and the same in words; nothing if nothing was foretold.

    Args:
        run: Which one.
        rows: Its metrics so far, which tell how much of ``x`` a step takes.
        x: Column of the horizontal axis.
    """
    foretold, last = forecast.read(run), rows[-1] if rows else {}
    if not foretold or not foretold.reaches or not foretold.curve or not last.get("step") or x not in last:
        return [], ""
    end = foretold.total_steps * last[x] / last["step"]
    places = [share * end for share, *_ in foretold.curve]
    middle, low, high = zip(*(values for _, *values in foretold.curve), strict=True)
    series = [
        Series("80% band", "band", [*places, *places[::-1]], [*high, *low[::-1]]),
        Series("expected", "ghost", places, list(middle)),
    ]
    return series, f" It was expected to reach {band(foretold.reaches)}."


def grade(run: Run, now: RunState) -> str:
    """``Expected 70–76% val accuracy, reached 73.1%: as expected.`` for a finished run that has a forecast."""
    foretold, reached = forecast.to_grade(run, now), now.status.best_val_accuracy
    if foretold is None or reached is None:
        return ""
    within = foretold.low <= reached <= foretold.high
    verdict = "as expected" if within else "better than expected" if reached > foretold.high else "less than expected"
    return f"Expected {band(foretold)} val accuracy, reached {percent(reached)}: {verdict}."
