"""What a shipped model brings along to judge its own answers, and how well that works.

python -m bench.reference NAME --data cifar10
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from sklearn.metrics import roc_auc_score

from bench import machine
from vit import models
from vit.cli.progress import Progress
from vit.data.load import Dataset, load
from vit.evaluation import calibration, directory, job, reference, suspects
from vit.evaluation.forward import Forward
from vit.evaluation.predictions import Predictions
from vit.evaluation.reference import Reference
from vit.evaluation.split import choose

RESULTS = Path(__file__).parent / "results"
PLANTED = 0.05  # share of labels that are made wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a shipped model")
    parser.add_argument("--data", required=True, help="what it was trained on")
    args = parser.parse_args()
    path, forward = models.resolve(args.name), Forward.load(args.name)
    with Progress("Measuring", unit="images") as report:
        dataset = load(args.data, forward.info.model.image_size, report)
        made = job.measure_reference(forward, dataset, directory.digest_of(path), report)
        if made is None:
            raise SystemExit("no validation images")
        place = path.with_name(reference.SHIPPED_FILE)
        reference.write(place, made)
        result = measured(forward, dataset, reference.read(place), report)
    result |= {"bytes": place.stat().st_size, "processor": machine.processor()}
    (RESULTS / f"reference-{args.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def measured(forward: Forward, dataset: Dataset, made: Reference, report: Progress) -> dict:
    """How well temperature and detector work on test, and the search for wrong labels with them planted."""
    split = choose(dataset, "test", forward.info)
    found = forward.predict(split, report)
    scores = made.detector.score(forward.seen(split.images, found.features))
    others, known = {}, job.other_images(forward.info)
    for name, images in (known | unseen(forward.info.model.image_size)).items():
        other = made.detector.score(forward.seen(images, forward(images, report, name)[1]))
        is_other = np.repeat([0, 1], [len(scores), len(other)])
        auroc = roc_auc_score(is_other, np.concatenate([scores, other]))
        others[name] = {"auroc": round(float(auroc), 4), "warned": share(other > made.detector.threshold)}
    scaled = calibration.probabilities(made.temperature.apply(found.logits))
    return {
        "test_accuracy": share(found.predicted == found.labels),
        "ece": round(calibration.measure(found.probabilities, found.labels).ece, 4),
        "ece_scaled": round(calibration.measure(scaled, found.labels).ece, 4),
        "false_alarms": share(scores > made.detector.threshold),
        "others": others,
        "planted_labels": [planted(found, seed) for seed in range(3)],
    }


def unseen(side: int) -> dict[str, torch.Tensor]:
    """Images that nobody looked at while the warning was built: digits by hand, and cuts from two photographs."""
    rng, photographs = np.random.default_rng(0), load_sample_images().images
    made = {
        "digits": [Image.fromarray(np.uint8(255 * digit / 16)) for digit in load_digits().images[: job.OTHER_IMAGES]]
    }
    made["photographs"] = [cut(photographs[k % 2], rng) for k in range(job.OTHER_IMAGES)]
    small = {
        name: [np.asarray(one.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)) for one in images]
        for name, images in made.items()
    }
    return {name: torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy()) for name, images in small.items()}


def cut(photograph: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """A square from a photograph, at least 64 pixels wide."""
    side = int(rng.integers(64, 300))
    y, x = (int(rng.integers(length - side)) for length in photograph.shape[:2])
    return Image.fromarray(photograph[y : y + side, x : x + side])


def planted(found: Predictions, seed: int) -> float:
    """The share of wrong labels in the first 5 % of the suspects, after 5 % of the labels were made wrong."""
    rng, labels = np.random.default_rng(seed), found.labels.copy()
    wrong = rng.permutation(len(labels))[: round(PLANTED * len(labels))]
    labels[wrong] = (labels[wrong] + rng.integers(1, found.logits.shape[1], len(wrong))) % found.logits.shape[1]
    rows = suspects.find(Predictions(found.logits, found.features, labels, found.places)).rows[: len(wrong)]
    return share(np.isin(rows, wrong))


def share(chosen: np.ndarray) -> float:
    return round(float(chosen.mean()), 4)


if __name__ == "__main__":
    main()
