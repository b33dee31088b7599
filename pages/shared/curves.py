"""Curves made fit for a chart: smoothed, and thinned to what a screen can show."""

MOST_POINTS = 1000  # per line; a chart is no wider in pixels
SMOOTHING_SPAN = 0.02  # a smoothed point looks back over about this share of the curve


def smooth(values: list[float]) -> list[float]:
    """Exponential moving average over a span that grows with the curve; it starts unbiased at the first value."""
    decay = 1 - 1 / max(1.0, SMOOTHING_SPAN * len(values), min(3.0, len(values) / 4))
    average, weight, smoothed = 0.0, 0.0, []
    for value in values:
        average = decay * average + (1 - decay) * value
        weight = decay * weight + (1 - decay)
        smoothed.append(average / weight)
    return smoothed


def thin(x: list[float], y: list[float], most: int = MOST_POINTS) -> tuple[list[float], list[float]]:
    """At most ``most`` points that keep every visible peak: the lowest and highest of equal stretches, and both ends.

    Returns:
        The chosen points in their order, untouched if there are few enough.
    """
    if len(x) <= most:
        return x, y
    buckets = (most - 2) // 2
    inner = range(1, len(x) - 1)
    edges = [1 + len(inner) * part // buckets for part in range(buckets + 1)]
    kept = {0, len(x) - 1}
    for start, end in zip(edges, edges[1:], strict=False):
        kept |= {min(range(start, end), key=y.__getitem__), max(range(start, end), key=y.__getitem__)}
    chosen = sorted(kept)
    return [x[index] for index in chosen], [y[index] for index in chosen]


def significant(values: list[float], digits: int = 4) -> list[float]:
    """Rounded to what can be seen, which halves what travels to the browser."""
    return [float(f"{value:.{digits}g}") for value in values]
