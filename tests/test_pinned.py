"""Pinned images stay on disk, come back as they were, and are no way into other files."""

import pytest
from image_files import noise, scene

from vit import paths, pinned
from vit.errors import ImageError


def test_a_pinned_image_comes_back_with_its_name_and_class(home):
    key = pinned.pin("upload", scene(), "Grüße.jpg", "cat")
    (entry,) = pinned.list_pinned()
    assert (entry.id, entry.name, entry.label) == (key, "Grüße.jpg", "cat")
    assert pinned.find(key).read().image.tobytes() == scene().tobytes()
    assert entry.path.parent == home / "images"


def test_pinning_twice_keeps_one(home):
    assert pinned.pin("a", noise(), "a") == pinned.pin("a", noise(), "a")
    assert len(pinned.list_pinned()) == 1


def test_an_unpinned_image_is_gone_and_says_so(home):
    entry = pinned.find(pinned.pin("a", noise(), "a"))
    pinned.unpin(entry.id)
    pinned.unpin(entry.id)
    assert pinned.list_pinned() == []
    with pytest.raises(ImageError, match="not pinned"):
        pinned.find(entry.id)
    with pytest.raises(ImageError, match="unpinned"):
        entry.read()


def test_no_more_are_kept_than_there_is_room_for(home, monkeypatch):
    monkeypatch.setattr(pinned, "MOST", 2)
    for name in "ab":
        pinned.pin(name, noise(), name)
    pinned.pin("a", noise(), "a")
    with pytest.raises(ImageError, match="unpin one first"):
        pinned.pin("c", noise(), "c")


def test_large_images_are_kept_smaller(home, monkeypatch):
    monkeypatch.setattr(pinned, "SIDE", 16)
    assert pinned.find(pinned.pin("a", scene(80, 40), "a")).read().image.size == (32, 16)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "", "0" * 15, "0" * 16])
def test_what_is_no_pinned_image_is_refused_and_nothing_else_is_touched(home, name):
    outside = home / "secret.png"
    outside.write_bytes(b"keep")
    pinned.unpin(name)
    with pytest.raises(ImageError, match="not pinned"):
        pinned.find(name)
    assert outside.read_bytes() == b"keep"


@pytest.mark.parametrize("content", [b"", b"words", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_file_hides_no_other(home, content):
    key = pinned.pin("a", noise(), "a")
    (paths.pinned_root() / f"{'0' * 16}.png").write_bytes(content)
    assert [entry.id for entry in pinned.list_pinned()] == [key]
