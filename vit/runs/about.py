"""What a person says about a run: a note and tags, in ``about.json``."""

from typing import Annotated

from pydantic import Field, ValidationError

from vit import files
from vit.errors import RunError
from vit.runs.directory import Record, Run
from vit.runs.locks import control

NOTE_LENGTH, TAG_LENGTH, MOST_TAGS = 2000, 32, 12  # characters; tags of one run

Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]


class About(Record):
    """A note and tags; tags are unique and in the order in which they were given."""

    note: Annotated[str, Field(max_length=NOTE_LENGTH)] = ""
    tags: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)] = ()


def read_about(run: Run) -> About:
    """What was written about a run; nothing if the file is missing or damaged."""
    try:
        return About.model_validate_json(run.about_path.read_bytes())
    except (OSError, ValidationError):
        return About()


def write_about(run_id: str, note: str | None = None, tags: list[str] | None = None) -> About:
    """Replace the note, the tags or both; what is None stays.

    Raises:
        RunError: If there is no such run, or a text is longer than is kept.
    """
    with control():  # so that of two at once, none undoes what the other wrote
        run = Run.find(run_id)
        known = read_about(run)
        about = _checked(known.note if note is None else note.strip(), known.tags if tags is None else tags)
        files.write_json(run.about_path, about.model_dump(mode="json"))
    return about


def _checked(note: str, tags) -> About:
    cleaned = tuple(dict.fromkeys(tag for tag in (" ".join(tag.split()) for tag in tags) if tag))
    if len(note) > NOTE_LENGTH:
        raise RunError(f"the note has {len(note):,} characters; at most {NOTE_LENGTH:,} are kept")
    if len(cleaned) > MOST_TAGS:
        raise RunError(f"{len(cleaned)} tags are given; a run has at most {MOST_TAGS}")
    if long := next((tag for tag in cleaned if len(tag) > TAG_LENGTH), None):
        raise RunError(f"the tag {long[:TAG_LENGTH]!r} has {len(long)} characters; at most {TAG_LENGTH} are kept")
    return About(note=note, tags=cleaned)
