"""What is measured once of a model on its own training data: its temperature, and what is usual for it. No torch.

Predict needs it without the data. A shipped model brings it along, ``reference.safetensors`` beside its weights
(``bench/reference.py`` writes it); that of a run or a file is kept with its evaluations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import safetensors.numpy
from pydantic import ValidationError
from safetensors import SafetensorError

from vit import files, models
from vit.errors import CheckpointError, EvaluationError
from vit.evaluation import directory
from vit.evaluation.calibration import Temperature
from vit.evaluation.parts import FALSE_ALARMS
from vit.evaluation.unusual import Detector, Gaussian
from vit.header import read_metadata
from vit.runs.directory import Record

SHIPPED_FILE = "reference.safetensors"
PARTS = ("features", "pixels")


class Description(Record):
    """The metadata of a reference."""

    version: Literal[1] = 1
    digest: str  # SHA-256 of the checkpoint that was measured
    temperature: Temperature
    threshold: float
    centers: tuple[float, float]  # of the features' distances and the pixels', see ``Gaussian``
    spreads: tuple[float, float]
    num_val: int  # validation images that temperature and threshold were chosen on
    false_alarms: float = FALSE_ALARMS  # share of them above the threshold


@dataclass(frozen=True)
class Reference:
    """Temperature and detector of one checkpoint."""

    description: Description
    detector: Detector

    @property
    def temperature(self) -> Temperature:
        return self.description.temperature

    @classmethod
    def of(cls, digest: str, temperature: Temperature, detector: Detector, num_val: int) -> "Reference":
        parts = [getattr(detector, name) for name in PARTS]
        description = Description(
            digest=digest,
            temperature=temperature,
            threshold=detector.threshold,
            centers=(parts[0].center, parts[1].center),
            spreads=(parts[0].spread, parts[1].spread),
            num_val=num_val,
        )
        return cls(description, detector)


def find(model: str | Path) -> Reference | None:
    """What was measured of a model; None if nobody has evaluated it with its own training data yet.

    Raises:
        CheckpointError: If there is no such model.
        EvaluationError: If the file is damaged.
    """
    path = models.resolve(model)
    digest = directory.digest_of(path)
    owner = directory.owner(str(model), digest)
    places = [path.with_name(SHIPPED_FILE), directory.reference_path(owner, digest)]
    found = next((place for place in places if place.is_file()), None)
    reference = read(found) if found else None
    return reference if reference and reference.description.digest == digest else None


def write(path: Path, reference: Reference) -> None:
    """Keep a reference, in single precision."""
    arrays = {}
    for name in PARTS:
        part = getattr(reference.detector, name)
        arrays |= {f"{name}.means": part.means, f"{name}.precision": part.precision}
    singles = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    content = safetensors.numpy.save(singles, {"reference": reference.description.model_dump_json()})
    files.make_folder(path.parent)
    files.write_bytes(path, content)


def read(path: Path) -> Reference:
    """Read what ``write`` has written.

    Raises:
        EvaluationError: If it is damaged.
    """
    try:
        description = Description.model_validate_json(read_metadata(path).get("reference", ""))
        arrays = safetensors.numpy.load_file(path)
        parts = [
            Gaussian(arrays[f"{name}.means"], arrays[f"{name}.precision"], center, spread)
            for name, center, spread in zip(PARTS, description.centers, description.spreads, strict=True)
        ]
    except (OSError, SafetensorError, CheckpointError, ValidationError, KeyError) as error:
        raise EvaluationError(f"{path} can't be read: delete it, and evaluate the model again") from error
    return Reference(description, Detector(parts[0], parts[1], description.threshold))
