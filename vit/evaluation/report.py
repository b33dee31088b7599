"""An evaluation as files to keep: JSON, CSV, and one HTML page that opens without a network. No torch."""

import base64
import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader
from PIL import Image

from vit import files, text
from vit.data import catalog
from vit.errors import EvaluationError
from vit.evaluation import metrics, predictions, reference
from vit.evaluation.directory import Evaluation, Identity
from vit.evaluation.metrics import Difference
from vit.evaluation.parts import Robustness, Suspects, Unusual
from vit.evaluation.predictions import Predictions
from vit.evaluation.summary import Summary, summarize

SHOWN = 24  # images of a gallery
THUMBNAIL = 64  # pixels
HTML, JSON, CSV = "report.html", "report.json", "predictions.csv"


@dataclass(frozen=True)
class Shown:
    """An image in a gallery."""

    url: str  # the image itself, as a data URI
    label: str
    says: str
    note: str  # how sure, for example


@dataclass(frozen=True)
class Material:
    """Everything that a report says."""

    identity: Identity
    found: Predictions
    summary: Summary
    unusual: Unusual | None = None
    suspects: Suspects | None = None
    robustness: Robustness | None = None
    against: str | None = None  # the model that it is compared with
    difference: Difference | None = None


def collect(evaluation: Evaluation, other: Evaluation | None = None) -> Material:
    """Read what is kept of an evaluation, and compare it with that of another model on the same images.

    Raises:
        EvaluationError: If there is none, or it is damaged.
    """
    identity, found = evaluation.identity, predictions.read(evaluation.predictions_path)
    summary = summarize(found, identity.classes, reference.find(identity.model))
    parts = (evaluation.read("unusual", Unusual), evaluation.read("suspects", Suspects))
    material = Material(identity, found, summary, *parts, evaluation.read("robustness", Robustness))
    if other is None:
        return material
    rival = predictions.read(other.predictions_path)
    if not np.array_equal(found.places, rival.places):
        raise EvaluationError(f"{identity.model} and {other.identity.model} have different {identity.split} images")
    difference = metrics.mcnemar(found.predicted, rival.predicted, found.labels)
    return replace(material, against=other.identity.model, difference=difference)


def image(material: Material, row: int) -> Image.Image:
    """The image of a row of the predictions, as it is stored."""
    identity, place = material.identity, int(material.found.places[row])
    return catalog.load_images(identity.data, "test" if identity.split == "test" else "train", [place])[0].image


def write(folder: Path, material: Material, image: Callable[[int], Image.Image]) -> None:
    """Write the three files.

    Args:
        folder: Is created where it doesn't exist.
        material: What to say.
        image: The image of a row of the predictions.

    Raises:
        OSError: If the disk is full or not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / JSON, as_json(material))
    files.write_bytes(folder / CSV, as_csv(material).encode())
    files.write_bytes(folder / HTML, as_html(material, image).encode())


def as_json(material: Material) -> dict:
    """The figures, without those of single images."""
    summary, unusual = material.summary, material.unusual
    return {
        **material.identity.model_dump(),
        "accuracy": asdict(summary.accuracy),
        "loss": summary.loss,
        "per_class": [asdict(row) for row in summary.classes],
        "confusion": summary.confusion.tolist(),
        "calibration": {
            "raw": asdict(summary.raw),
            "temperature_scaled": asdict(summary.scaled) if summary.scaled else None,
        },
        "unusual": {"others": [row.model_dump() for row in unusual.others], "share": share_unusual(unusual)}
        if unusual
        else None,
        "robustness": material.robustness.model_dump() if material.robustness else None,
        "comparison": {"against": material.against, **asdict(material.difference)} if material.difference else None,
    }


def share_unusual(unusual: Unusual) -> float | None:
    """The share of the split that is warned about, 0..1."""
    scores = np.array(unusual.scores)
    return float((scores > unusual.threshold).mean()) if len(scores) else None


def as_csv(material: Material) -> str:
    """One line per image: its place in the data set, label, answer, and the probability of every class."""
    found, classes = material.found, material.identity.classes
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["place", "label", "predicted", "confidence", *(f"p({safe(name)})" for name in classes)])
    for row in range(len(found)):
        names = (safe(classes[index]) for index in (found.labels[row], found.predicted[row]))
        numbers = (f"{value:.6f}" for value in (found.confidence[row], *found.probabilities[row]))
        writer.writerow([int(found.places[row]), *names, *numbers])
    return buffer.getvalue()


def safe(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def as_html(material: Material, image: Callable[[int], Image.Image]) -> str:
    """One page with everything in it; names of classes and models are escaped."""
    environment = Environment(loader=PackageLoader("vit.evaluation", ""), autoescape=True)
    environment.filters |= {"percent": text.percent, "number": text.number}
    summary = material.summary
    return environment.get_template("report.html.jinja").render(
        material=material,
        identity=material.identity,
        summary=summary,
        largest=max(1, int((summary.confusion - np.diag(np.diag(summary.confusion))).max())),
        galleries=galleries(material, image),
        share_unusual=share_unusual(material.unusual) if material.unusual else None,
        counted=text.counted,
    )


def galleries(material: Material, image: Callable[[int], Image.Image]) -> dict[str, list[Shown]]:
    """Images to look at, by what they have in common."""
    found, classes = material.found, material.identity.classes
    answers = found.predicted, found.labels, found.confidence
    sure = {row: f"{text.percent(found.confidence[row])} sure" for row in range(len(found))}

    def shown(rows: Iterable[int]) -> list[Shown]:
        return [
            Shown(data_url(image(row)), classes[found.labels[row]], classes[found.predicted[row]], sure[row])
            for row in map(int, rows)
        ]

    made = {
        "Worst mistakes": shown(metrics.worst_mistakes(*answers)[:SHOWN]),
        "Least certain right answers": shown(metrics.least_certain(*answers)[:SHOWN]),
    }
    if material.suspects:
        made["Labels that may be wrong"] = shown(material.suspects.rows[: min(SHOWN, material.suspects.num_issues)])
    return {title: entries for title, entries in made.items() if entries}


def data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.NEAREST).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
