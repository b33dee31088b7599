"""The parts of an evaluation as they are kept, so that pages read them without loading what makes them."""

from vit.runs.directory import Record

FALSE_ALARMS = 0.05  # share of the validation images that a detector's threshold calls unusual


class Other(Record):
    """How well images of something else are told from those of a split."""

    name: str
    images: int
    auroc: float  # the share of pairs in which the other image has the higher score, 0..1
    warned: float  # share of them above the threshold


class Unusual(Record):
    """Scores of a split's images, in the order of the predictions; none where the training data isn't known."""

    scores: tuple[float, ...] = ()
    threshold: float = 0.0
    others: tuple[Other, ...] = ()
    note: str | None = None  # why there are no scores


class Suspects(Record):
    """A list, the most suspicious first; the first ``num_issues`` are those that confident learning calls wrong."""

    rows: tuple[int, ...]  # of the predictions
    suggested: tuple[int, ...]  # the class that looks right
    quality: tuple[float, ...]  # out-of-sample probability of the given label, 0..1
    num_issues: int


class ImageMap(Record):
    """Places on a plane; the axes have no meaning, only what lies beside what."""

    rows: tuple[int, ...]  # of the predictions
    x: tuple[float, ...]
    y: tuple[float, ...]


class Corrupted(Record):
    """Accuracy (0..1) on images that were corrupted in one way and strength."""

    kind: str
    strength: int  # 1 to 5
    setting: float  # see ``vit.evaluation.robustness``
    accuracy: float


class Robustness(Record):
    """Accuracies on the same images, clean and corrupted."""

    images: int
    clean: float
    corrupted: tuple[Corrupted, ...]
