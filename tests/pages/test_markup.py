"""What the pages' own components consist of before their first data arrives."""

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "pages"
IMAGES = [
    (path.relative_to(PAGES).as_posix(), tag)
    for pattern in ("*.html", "*.py")
    for path in PAGES.rglob(pattern)
    for tag in re.findall(r'<[^>]*role="img"[^>]*>', path.read_text())
]


def test_there_are_images():
    assert len(IMAGES) > 5


@pytest.mark.parametrize(("path", "tag"), IMAGES)
def test_a_image_has_a_text_from_the_start(path, tag):
    assert re.search(r'aria-label="\w', tag)
