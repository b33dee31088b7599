"""Many files: what is found in a folder, how they are read, and what a spreadsheet gets."""

import csv
import io
import weakref
from functools import partial

import numpy as np
import pytest
from builders import CLASSES, model_info, vision_transformer
from image_files import encode, noise, scene
from PIL import Image

from vit import images, many
from vit.errors import DataError
from vit.images import DecodedImage
from vit.judge import Judge
from vit.many import File, Row
from vit.predict import Predictor


def judge() -> Judge:
    network = vision_transformer()
    return Judge(Predictor(network, model_info(network)), None)


def files(folder, *names: str) -> None:
    for name in names:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encode(noise()))


def test_a_folder_gives_its_images_and_those_of_its_sub_folders(tmp_path):
    files(tmp_path, "b.png", "cats/a.JPG", "cats/deep/c.webp", ".hidden/d.png", "cats/.e.png", "notes.txt")
    found = many.find(tmp_path)
    assert [path.as_posix() for path in found.paths] == ["b.png", "cats/a.JPG", "cats/deep/c.webp"]
    assert found.total == 3


def test_a_folder_gives_no_more_than_the_most_and_says_how_many_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(many, "MOST", 2)
    files(tmp_path, *"abc.png d.png e.png f.png".split())
    found = many.find(tmp_path)
    assert [path.name for path in found.paths] == ["abc.png", "d.png"]
    assert found.total == 4


def test_too_many_files_no_image_and_no_folder_are_told(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no image in"):
        many.find(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        many.find(tmp_path / "gone")
    files(tmp_path, "a.png", "b.png")
    monkeypatch.setattr(many, "MOST_NAMES", 1)
    with pytest.raises(DataError, match="more than 1 images"):
        many.find(tmp_path)


def test_rows_say_what_the_model_says_of_each_file_alone():
    ours, data = judge(), [encode(scene(width, 20)) for width in range(20, 20 + many.BATCH + 3)]
    listed = [File(f"{i}.png", partial(images.decode, one, f"{i}.png")) for i, one in enumerate(data)]
    batches = list(many.predict(ours, listed))
    assert [len(batch) for batch in batches] == [many.BATCH, 3]
    for file, row in zip(listed, sum(batches, []), strict=True):
        alone = ours.predictor.predict([(file.name, file.read())])[0]
        assert row.name == file.name
        assert row.raw == pytest.approx(alone.probabilities, abs=1e-5)
        assert row.top(CLASSES)[0][0] == alone.top(1)[0][0]


def test_a_bad_file_spoils_no_other():
    good = partial(images.decode, encode(scene()), "good.png")
    bad = partial(images.decode, b"", "bad.png")
    rows = next(many.predict(judge(), [File("bad.png", bad), File("good.png", good), File("worse.png", bad)]))
    assert [bool(row.problem) for row in rows] == [True, False, True]
    assert rows[0].top(CLASSES) == []
    assert rows[1].raw is not None
    assert [bool(row.problem) for row in next(many.predict(judge(), [File("bad.png", bad)]))] == [True]


def test_only_one_image_is_decoded_at_a_time():
    made: list[weakref.ref] = []
    alive: list[int] = []

    def read() -> DecodedImage:
        image = Image.fromarray(np.zeros((50, 50, 3), np.uint8))
        made.append(weakref.ref(image))
        alive.append(sum(one() is not None for one in made))
        return DecodedImage(image, None)

    list(many.predict(judge(), [File(f"{i}.png", read) for i in range(20)]))
    assert alive == [1] * 20


def test_classes_are_counted_by_folder():
    def row(name: str, best: int) -> Row:
        return Row(name, raw=tuple(float(place == best) for place in range(3)))

    rows = [row("b/1.png", 0), row("a/2.png", 1), row("3.png", 1), row("b/4.png", 0), Row("b/5.png", problem="broken")]
    assert many.counts(rows, CLASSES) == {"": {"dog": 1}, "a": {"dog": 1}, "b": {"cat": 2}}


def test_the_csv_has_a_line_for_each_file_and_no_formulas():
    rows = [
        Row('=cmd|"x",1.png', raw=(0.5, 0.3, 0.2), calibrated=(0.4, 0.35, 0.25), is_unusual=True),
        Row("a\nb.png", problem="+can't be read"),
        Row("@c.png", raw=(0.1, 0.2, 0.7), is_unusual=False),
    ]
    head, first, second, third = csv.reader(io.StringIO(many.as_csv(rows, ("cat", "-dog", "ship"))))
    assert head == ["file", "class", "probability", "unusual", "problem", "cat", "'-dog", "ship"]
    assert first == ['\'=cmd|"x",1.png', "cat", "0.400000", "yes", "", "0.400000", "0.350000", "0.250000"]
    assert second == ["a\nb.png", "", "", "", "'+can't be read"]
    assert third == ["'@c.png", "ship", "0.700000", "no", "", "0.100000", "0.200000", "0.700000"]
    assert "0.500000" in many.as_csv(rows, CLASSES, raw=True)
