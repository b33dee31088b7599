"""The nearest training images are those whose features have the largest cosine with the image's."""

import os

import numpy as np
import pytest

from vit import models, nearest, paths
from vit.data import store
from vit.data.load import load
from vit.errors import EvaluationError
from vit.evaluation.forward import Forward
from vit.evaluation.split import choose


def quiet(done: int, total: int, message: str) -> None:
    pass


@pytest.fixture
def index(model) -> nearest.Index:
    made = nearest.of(model)
    nearest.make(made, quiet)
    return made


def features(model: str, split: str) -> tuple[np.ndarray, list[int]]:
    """Of a split of the model's own training, and where its images are stored."""
    forward = Forward.load(model)
    chosen = choose(load("colors", 8), split, forward.info)
    return forward(chosen.images)[1], chosen.places.tolist()


def test_a_training_image_is_nearest_to_itself(index):
    known, places = features(index.model, "train")
    for row in range(5):
        first = index.find(known[row], k=1)[0]
        assert first.place == places[row]
        assert first.similarity == pytest.approx(1, abs=2e-3)  # kept in half precision


def test_the_order_is_that_of_the_cosine(index):
    known, places = features(index.model, "train")
    asked = features(index.model, "val")[0][0]
    cosine = {
        place: float(row @ asked / np.linalg.norm(row) / np.linalg.norm(asked))
        for place, row in zip(places, known.astype(np.float64), strict=True)
    }
    found = index.find(asked * 7, k=5)
    assert [one.similarity for one in found] == pytest.approx(sorted(cosine.values(), reverse=True)[:5], abs=2e-3)
    assert all(one.similarity == pytest.approx(cosine[one.place], abs=2e-3) for one in found)


def test_no_validation_image_is_among_them(index):
    held_out = set(features(index.model, "val")[1])
    found = {one.place for one in index.find(np.ones(16, np.float32), k=1000)}
    assert len(found) == 60
    assert not found & held_out


def test_without_the_data_there_is_no_index(model, colors):
    assert nearest.of(model).data.name == "colors"
    store.folder_of("colors").rename(paths.data_root() / ".away")
    assert nearest.of(model) is None


def test_a_damaged_file_is_told(index):
    index.path.write_bytes(index.path.read_bytes()[:100])
    with pytest.raises(EvaluationError, match="delete it"):
        index.find(np.ones(16, np.float32))


def test_only_the_newest_are_kept(index, monkeypatch):
    monkeypatch.setattr(nearest, "KEPT", 2)
    others = [index.path.with_name(f"{name}.safetensors") for name in ("old", "older")]
    for age, path in enumerate(others, 1):
        path.write_bytes(b"")
        os.utime(path, (1000 - age, 1000 - age))
    nearest.make(index, quiet)
    assert sorted(path.name for path in index.path.parent.iterdir()) == sorted([index.path.name, others[0].name])


def test_other_weights_have_another_file(index, tmp_path):
    assert index.path.name.startswith(models.read_metadata(models.resolve(index.model))["sha256"][:16])
