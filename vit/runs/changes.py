"""What was changed while a run trained."""

from pydantic import Field, JsonValue

from vit.runs.directory import Count, Positive, Record, Run, read_records


class Change(Record):
    """What holds from a step on."""

    step: Count
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    total_steps: Positive | None = None


def read_changes(run: Run) -> list[Change]:
    """The changes that hold, by step."""
    return read_records(run.changes_path, Change)
