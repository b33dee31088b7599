"""One evaluation's folder: a checkpoint on a split of a data set. The only place that knows its file names. No torch.

It lies in ``evaluations/`` of a run, or in ``.evaluations/`` of the home for a shipped model or a file. The job that
evaluates is the only writer; what it has not done yet is not there.

| file                       | content                                                                |
|----------------------------|------------------------------------------------------------------------|
| ``identity.json``          | which weights, which data, which split                                 |
| ``predictions.safetensors``| logits, features, labels, and the place of every image in the data set |
| ``unusual.json``           | how unlike the training data each image is                             |
| ``suspects.json``          | images whose label may be wrong                                        |
| ``map.json``               | a place on the plane for some of the images                            |
| ``robustness.json``        | accuracy on corrupted images                                           |

Beside the evaluations of a model: ``looks.jsonl``, one line each time somebody has looked at test, and
``reference-DIGEST.safetensors``, what is measured once on its own training data (``vit.evaluation.reference``).
"""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from vit import files, models, paths
from vit.data import catalog
from vit.data.store import DatasetInfo
from vit.errors import CheckpointError, DataError, EvaluationError
from vit.header import read_metadata
from vit.runs.directory import AnyRecord, Record, Run, Time, read_records

SplitName = Literal["train", "val", "test"]
KEY_LENGTH = 16
PARTS = ("unusual", "suspects")  # what every evaluation makes after the predictions, in this order
EXTRAS = ("map", "robustness")  # what takes longer, and is made for those who ask


class Identity(Record):
    """What was evaluated, so that a result is never shown for something else."""

    version: Literal[1] = 1
    model: str  # a MODEL, as it was asked for
    digest: str  # SHA-256 of the checkpoint
    data: str  # a SOURCE
    fingerprint: str  # SHA-256 of the data
    split: SplitName
    classes: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names the folder; the same weights and images have the same."""
        words = f"{self.digest} {self.fingerprint} {self.split}"
        return hashlib.sha256(words.encode()).hexdigest()[:KEY_LENGTH]


class Look(Record):
    """A line of ``looks.jsonl``."""

    time: Time
    fingerprint: str


@dataclass(frozen=True)
class Evaluation:
    """What is asked, and the folder with the answers, which may not be there yet."""

    identity: Identity
    owner: Path  # folder of all evaluations of this run or model

    @property
    def path(self) -> Path:
        return self.owner / self.identity.key

    @property
    def identity_path(self) -> Path:
        return self.path / "identity.json"

    @property
    def predictions_path(self) -> Path:
        return self.path / "predictions.safetensors"

    @property
    def looks_path(self) -> Path:
        return self.owner / "looks.jsonl"

    @property
    def reference_path(self) -> Path:
        return reference_path(self.owner, self.identity.digest)

    def part_path(self, part: str) -> Path:
        """The file of one of ``PARTS`` or ``EXTRAS``."""
        return self.path / f"{part}.json"

    @property
    def is_there(self) -> bool:
        """Whether the predictions are; parts may be missing."""
        return self.predictions_path.is_file()

    @property
    def is_complete(self) -> bool:
        return self.is_there and not self.missing()

    def missing(self, parts: tuple[str, ...] = PARTS) -> list[str]:
        """Those of some parts that are not there yet."""
        return [part for part in parts if not self.part_path(part).is_file()]

    def read(self, part: str, kind: type[AnyRecord]) -> AnyRecord | None:
        """A part; None if it isn't there yet.

        Raises:
            EvaluationError: If it is damaged.
        """
        path = self.part_path(part)
        try:
            return kind.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise EvaluationError(f"{path.name} of this evaluation can't be read: delete {path}") from error

    def write(self, part: str, record: Record) -> None:
        files.write_json(self.part_path(part), record.model_dump())


def find(model: str, data: DatasetInfo, split: SplitName) -> Evaluation:
    """Where the evaluation of a model on a split is kept, whether it was made or not.

    Args:
        model: A MODEL, as ``vit.models.resolve`` knows it.
        data: As ``vit.data.catalog`` describes it, with a fingerprint.
        split: ``train`` and ``val`` are those of the model's own training.

    Raises:
        CheckpointError: If there is no such model.
        DataError: If the data has other classes than the model, or no such split.
    """
    path = models.resolve(model)
    info = models.read_info(path)
    check_fits(model, info.classes, data, split)
    identity = Identity(
        model=model,
        digest=digest_of(path),
        data=data.name,
        fingerprint=data.fingerprint,
        split=split,
        classes=info.classes,
    )
    return Evaluation(identity, owner(model, identity.digest))


def check_fits(model: str, classes: tuple[str, ...], data: DatasetInfo, split: SplitName) -> None:
    """Refuse a data set that a model can't be judged with.

    Raises:
        DataError: If the classes are others, or the split isn't there.
    """
    if data.classes != classes:
        raise DataError(f"{model} tells apart {', '.join(classes)}; {data.name} has {', '.join(data.classes)}")
    if not data.counts.get("test" if split == "test" else "train"):
        raise DataError(f"{data.name} has no {split} split; use --split {'val' if split == 'test' else 'test'}")


def digest_of(path: Path) -> str:
    """The SHA-256 that a checkpoint carries, read from its header.

    Raises:
        CheckpointError: If it has none.
    """
    digest = read_metadata(path).get("sha256")
    if not digest:
        raise CheckpointError(f"{path.name} has no SHA-256 in its header: it isn't a checkpoint of ViT Lab")
    return digest


def owner(model: str, digest: str) -> Path:
    """The folder of all evaluations of a run, a shipped model or a file."""
    if os.path.isfile(model):
        return paths.evaluations_root() / f"file-{digest[:KEY_LENGTH]}"
    name = model.partition("@")[0]
    return paths.evaluations_root() / name if name in models.shipped() else Run.find(name).evaluations_path


def reference_path(owner: Path, digest: str) -> Path:
    """Where ``vit.evaluation.reference`` keeps what it knows of a checkpoint."""
    return owner / f"reference-{digest[:KEY_LENGTH]}.safetensors"


def looks(evaluation: Evaluation) -> int:
    """How often somebody has looked at how this model does on the test split of this data."""
    fingerprint = evaluation.identity.fingerprint
    return sum(look.fingerprint == fingerprint for look in read_records(evaluation.looks_path, Look))


def note_look(evaluation: Evaluation) -> None:
    """Remember that somebody looks at the test split; of other splits nobody counts."""
    if evaluation.identity.split != "test":
        return
    files.make_folder(evaluation.owner)
    look = Look(time=time.time(), fingerprint=evaluation.identity.fingerprint)
    files.append_line(evaluation.looks_path, look.model_dump())


def fitting(classes: tuple[str, ...]) -> list[DatasetInfo]:
    """The data sets of this machine that a model of these classes can be judged with."""
    return [info for info in catalog.list_datasets() if info.problem is None and info.classes == classes]
