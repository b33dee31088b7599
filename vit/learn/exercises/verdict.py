"""What comes back from checking an exercise. No torch here, because the page reads it."""

from pydantic import Field

from vit.runs.directory import Record

MOST_WORDS = 2000  # of a sentence, and of what the code prints


class Verdict(Record):
    """How a solution did: what was found right, and a hint for the first thing that was not."""

    passed: bool = False
    checks: list[str] = Field(default=[], max_length=20)
    mistake: str = Field(default="", max_length=MOST_WORDS)  # its key, "" if it is no known one
    hint: str = Field(default="", max_length=MOST_WORDS)
    stopped: str = Field(default="", max_length=MOST_WORDS)  # what the limited process did not allow
    printed: str = Field(default="", max_length=MOST_WORDS)
