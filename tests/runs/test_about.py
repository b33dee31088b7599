"""Note and tags: kept as they were given, bounded, and no way to break a list."""

import pytest

from vit.config import RunConfig
from vit.errors import RunError
from vit.runs import launch
from vit.runs.about import MOST_TAGS, NOTE_LENGTH, TAG_LENGTH, About, read_about, write_about


@pytest.fixture
def run(home):
    return launch.create(RunConfig(), "one")


def test_note_and_tags_are_kept_and_changed_one_by_one(run):
    write_about("one", note="  lr too high \n", tags=["paper", " patch  4 ", "paper", ""])
    assert read_about(run) == About(note="lr too high", tags=("paper", "patch 4"))
    write_about("one", note="")
    assert read_about(run) == About(tags=("paper", "patch 4"))
    write_about("one", tags=[])
    assert read_about(run) == About()


@pytest.mark.parametrize(
    "said",
    [
        {"note": "x" * (NOTE_LENGTH + 1)},
        {"tags": ["x" * (TAG_LENGTH + 1)]},
        {"tags": [str(number) for number in range(MOST_TAGS + 1)]},
    ],
)
def test_more_than_is_kept_is_refused_with_the_limit(run, said):
    write_about("one", "before", ["tag"])
    with pytest.raises(RunError, match="at most"):
        write_about("one", **said)
    assert read_about(run) == About(note="before", tags=("tag",))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"note": 1}', b'{"tags": "abc"}', b'{"tags": [""]}'])
def test_a_damaged_file_says_nothing(run, content):
    run.about_path.write_bytes(content)
    assert read_about(run) == About()
