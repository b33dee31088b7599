"""What can be wrong with a training, and how it shows. A false alarm is worse than a miss: each cause needs both a
setting or a signal that explains it, and an outcome that is bad.

The limits come from ``bench/doctor.py``: trainings made to fail and trainings of the presets, on other seeds than those
it reports.
"""

from collections.abc import Callable

from vit.doctor import independent, step_size, substance
from vit.doctor.case import Case
from vit.doctor.findings import Finding

Cause = Callable[[Case], Finding | None]

# Why a training goes wrong, in the order in which one explains the next.
EXCLUSIVE: tuple[Cause, ...] = (
    step_size.strangled,
    step_size.decayed,
    step_size.diverged,
    step_size.head_untrained,
    step_size.unstable,
    step_size.failing_without_warmup,
    step_size.lr_too_low,
    substance.memorized,
    substance.placeless,
    substance.deaf_class_token,
    substance.unlearnable,
    substance.stuck,
)
# What stands for itself.
INDEPENDENT: tuple[Cause, ...] = (
    independent.overfitted,
    independent.coarse,
    independent.collapsed,
    independent.dead_heads,
    independent.identical_heads,
    independent.starved,
    independent.plateau,
)


def find(case: Case) -> list[Finding]:
    """At most one cause of a training that goes wrong, the gravest, and everything that stands for itself."""
    first = next(filter(None, (cause(case) for cause in EXCLUSIVE)), None)
    found = [*filter(None, [first, *(cause(case) for cause in INDEPENDENT)])]
    return sorted(found, key=lambda finding: finding.severity == "hint")
