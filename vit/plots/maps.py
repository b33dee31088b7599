"""How a method's map is shown: its scale, its colours and its words, from what its values mean."""

from vit.plots.colors import DIVERGING
from vit.plots.heatmap import describe_map, describe_values
from vit.plots.scale import Scale, from_zero, symmetric, times_uniform

ATTENTION = " of attention"  # the unit of maps that are shares of attention


def appearance(values, *, unit: str, is_signed: bool, num_tokens: int) -> tuple[Scale, str, str]:
    """What a map's colours mean, the name of its colours, and the map in words.

    Args:
        values: (g, g), raw.
        unit: Of the values, as it follows a number; shares of attention are told in multiples of uniform.
        is_signed: Whether values below 0 speak against something.
        num_tokens: N, prefix tokens included.
    """
    if unit == ATTENTION:
        return times_uniform(values, num_tokens), "viridis", describe_map(values, num_tokens)
    if is_signed:
        return symmetric(values, unit), DIVERGING, describe_values(values, unit)
    return from_zero(values, unit), "viridis", describe_values(values, unit)
