"""How fast a run goes, from its own figures."""

RECENT_ROWS = 30


def seconds_left(rows: list[dict], total_steps: int) -> float | None:
    """Training time until the last step at the recent pace; None as long as there is no pace to speak of."""
    recent = [row for row in rows if row.get("time") is not None][-RECENT_ROWS:]
    if len(recent) < 2:
        return None
    steps, seconds = (recent[-1][name] - recent[0][name] for name in ("step", "time"))
    return seconds / steps * (total_steps - recent[-1]["step"]) if steps > 0 else None


def last(rows: list[dict], metric: str) -> float | None:
    """The latest value of a metric."""
    return next((row[metric] for row in reversed(rows) if row.get(metric) is not None), None)


def change(rows: list[dict], metric: str) -> float | None:
    """The latest value minus the one before."""
    values = [row[metric] for row in rows if row.get(metric) is not None]
    return values[-1] - values[-2] if len(values) > 1 else None
