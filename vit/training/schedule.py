"""The learning rate as a plain function of the step."""

import math


def lr_at(step: int, *, peak: float, total_steps: int, warmup_steps: int, schedule: str) -> float:
    """Linear warm-up to ``peak``, then a cosine or a straight line to zero.

    Args:
        step: Update about to be made, 0 to total_steps - 1.
        peak: Learning rate at the end of the warm-up.
        total_steps: Length of the run.
        warmup_steps: Length of the warm-up.
        schedule: ``cosine`` or ``linear``.
    """
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    left = 1 - (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return peak * (left if schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left)))
