"""What comes back from checking an exercise. No torch here, because the page reads it."""

from pydantic import Field

from vit.runs.directory import Record

MOST_WORDS = 2000  # of a sentence, and of what the code prints


class Curve(Record):
    """A short training: the loss of each step, and the accuracy on validation images at the end."""

    losses: list[float] = Field(min_length=1, max_length=1000)
    accuracy: float = Field(ge=0, le=1)


class Verdict(Record):
    """How a solution did: what was found right, and a hint for the first thing that was not."""

    passed: bool = False
    checks: list[str] = Field(default=[], max_length=20)
    mistake: str = Field(default="", max_length=MOST_WORDS)  # its key, "" if it is no known one
    hint: str = Field(default="", max_length=MOST_WORDS)
    stopped: str = Field(default="", max_length=MOST_WORDS)  # what the limited process did not allow
    printed: str = Field(default="", max_length=MOST_WORDS)
    trained: Curve | None = None  # with this solution, if it was asked for
    reference: Curve | None = None  # the same with our module
