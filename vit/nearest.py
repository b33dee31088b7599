"""The training images that a model finds most like an image; ``python -m vit.nearest MODEL DATA`` computes them.

Alike means the cosine of the angle between the features that the head reads. Those of the training images are computed
once and kept in ``.nearest`` of the home, so that an answer takes one product of matrices.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from vit import files, jobs, models, paths
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import DataError, EvaluationError
from vit.evaluation.directory import KEY_LENGTH, digest_of
from vit.jobs import Progress

MOST = 50_000  # training images that are compared, drawn by a seed where there are more
KEPT = 10  # models whose features are kept; 13 MB each for 50,000 images and 128 features


@dataclass(frozen=True)
class Neighbor:
    """One training image."""

    place: int  # in the stored split ``train``
    similarity: float  # cosine, -1..1


@dataclass(frozen=True)
class Index:
    """The features of a model's training images, which may not have been computed yet."""

    model: str
    digest: str  # SHA-256 of the checkpoint
    data: DatasetInfo

    @property
    def key(self) -> str:
        return f"{self.digest[:KEY_LENGTH]}-{self.data.fingerprint[:KEY_LENGTH]}"

    @property
    def path(self) -> Path:
        return paths.nearest_root() / f"{self.key}.safetensors"

    @property
    def job_name(self) -> str:
        return f"nearest-{self.key}"

    def start(self) -> None:
        """Compute it in the background.

        Raises:
            JobError: If that is going on already.
        """
        jobs.start("nearest", self.job_name, "vit.nearest", self.model, self.data.name)

    def find(self, features: np.ndarray, k: int = 8) -> list[Neighbor]:
        """The k training images whose features are most like ``features`` (D,), the most alike first.

        Raises:
            EvaluationError: If the file is damaged.
        """
        try:
            kept = safetensors.numpy.load_file(self.path)
            similarity = kept["features"].astype(np.float32) @ _unit(features[None])[0]
            places = kept["places"]
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise EvaluationError(f"{self.path} can't be read: delete it, and compute it again") from error
        best = np.argsort(-similarity, kind="stable")[:k]
        return [Neighbor(int(places[row]), float(similarity[row])) for row in best]


def of(model: str) -> Index | None:
    """The index of a model; None if the images that it was trained on are not on this machine.

    Raises:
        CheckpointError: If there is no such model.
    """
    path = models.resolve(model)
    wanted = models.read_info(path).data.get("fingerprint")
    known = (data for data in catalog.list_datasets() if data.problem is None and data.fingerprint == wanted)
    data = next(known, None)
    return Index(model, digest_of(path), data) if data else None


def make(index: Index, report: Progress) -> None:
    """Compute the features of the training images, those of validation not among them.

    Raises:
        CheckpointError: If the model can't be loaded, or answers NaN.
        DataError: If the data can't be loaded, or isn't what it was.
    """
    from vit.data.load import load
    from vit.evaluation.forward import Forward
    from vit.evaluation.split import choose, some

    forward = Forward.load(index.model)
    dataset = load(index.data.name, forward.info.model.image_size, report)
    if dataset.fingerprint != index.data.fingerprint:
        raise DataError(f"The images of {index.data.name} are no longer those that the model was trained on.")
    split = some(choose(dataset, "train", forward.info), MOST)
    _, features = forward(split.images, report, "looking at the training images")
    arrays = {"features": _unit(features).astype(np.float16), "places": split.places.numpy()}
    files.make_folder(index.path.parent)
    files.write_bytes(index.path, safetensors.numpy.save(arrays))
    _forget(index.path.parent)


def _unit(features: np.ndarray) -> np.ndarray:
    """Features (N, D) scaled to length 1; where all are zero, they stay so."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1)


def _forget(folder: Path) -> None:
    """Delete all but the newest."""
    known = sorted(folder.glob("[!.]*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in known[KEPT:]:
        old.unlink(missing_ok=True)


def main() -> None:
    """Compute one index in the background."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "data"):
        parser.add_argument(name)
    args = parser.parse_args()
    digest = digest_of(models.resolve(args.model))
    index = Index(args.model, digest, catalog.describe(args.data))
    jobs.run(index.job_name, lambda reporter: _work(index, reporter))


def _work(index: Index, reporter: jobs.Reporter) -> str:
    make(index, reporter.progress("images"))
    return "computed"


if __name__ == "__main__":
    main()
