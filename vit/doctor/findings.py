"""What the doctor says: findings, with their evidence and a remedy."""

from dataclasses import asdict, dataclass, field
from typing import Literal

Start = Literal["best", "last", "new"]
Settings = dict[str, float | str]  # new values by dotted name


@dataclass(frozen=True)
class Evidence:
    """What to chart: metrics that share an axis, and the value at which they would be suspicious, or not any more."""

    metrics: tuple[str, ...]
    limit: float | None = None
    limit_name: str = ""
    percent: bool = False


@dataclass(frozen=True)
class Remedy:
    """What to change.

    Attributes:
        words: One sentence.
        settings: None where no setting would help.
        start: From the run's best or last checkpoint, as a fork, or from scratch, as a new run.
        step: The checkpoint to fork from, once it is known which there are; None for a new run.
    """

    words: str
    settings: Settings = field(default_factory=dict, hash=False)
    start: Start = "new"
    step: int | None = None


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a run.

    Attributes:
        name: Short, the same wherever it is found.
        severity: "problem" where the run can't come to much, "hint" where it could do better.
        title: A few words.
        sees: One sentence with the numbers.
        means: One sentence.
    """

    name: str
    severity: Literal["problem", "hint"]
    title: str
    sees: str
    means: str
    evidence: Evidence
    remedy: Remedy

    def to_json(self) -> dict:
        return asdict(self)
