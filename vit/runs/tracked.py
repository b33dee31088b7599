"""The validation images whose predictions are recorded during training."""

from vit.runs.directory import Count, Record, Run, read_records
from vit.runs.plan import Plan


class TrackedRow(Record):
    """What a model makes of all tracked images after one validation.

    Attributes:
        probabilities: Of each class, (images, K).
        attention: Rollout of each image over its patches, (images, grid * grid).
    """

    step: Count
    epoch: float
    probabilities: list[list[float]]
    attention: list[list[float]]

    def fits(self, plan: Plan) -> bool:
        """Whether it has the shapes that a plan leads to expect."""
        pairs = ((self.probabilities, len(plan.classes)), (self.attention, plan.grid_size**2))
        return all(
            len(values) == len(plan.tracked) and all(len(row) == width for row in values) for values, width in pairs
        )


def read_tracked(run: Run, plan: Plan) -> list[TrackedRow]:
    """One row per validation, without what a resumed run has made anew: a row replaces all of its step or later."""
    kept: list[TrackedRow] = []
    for row in read_records(run.tracked_path, TrackedRow):
        if not row.fits(plan):
            continue
        while kept and kept[-1].step >= row.step:
            kept.pop()
        kept.append(row)
    return kept
