"""Making an evaluation, part after part, in the background: ``python -m vit.evaluation.job MODEL DATA SPLIT [EXTRA]``.

What is there is not made again, so that one that was cancelled goes on.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from vit import files, jobs
from vit.data import catalog, shapes
from vit.data.load import Dataset, load
from vit.errors import DataError
from vit.evaluation import directory, embedding, others, predictions, reference, robustness, starting, suspects
from vit.evaluation.calibration import fit_temperature
from vit.evaluation.directory import Evaluation
from vit.evaluation.forward import Forward
from vit.evaluation.parts import ImageMap, Other, Robustness, Suspects, Unusual
from vit.evaluation.predictions import Predictions
from vit.evaluation.reference import Reference
from vit.evaluation.split import PlacedSplit, choose, some
from vit.evaluation.unusual import Detector
from vit.jobs import Progress
from vit.models import ModelInfo

TRAINING_IMAGES = 5000  # that the reference is measured on
OTHER_IMAGES = 250  # of each kind


@dataclass(frozen=True)
class Work:
    """An evaluation in the making."""

    evaluation: Evaluation
    forward: Forward
    split: PlacedSplit
    dataset: Dataset
    report: Progress

    @classmethod
    def begin(cls, evaluation: Evaluation, report: Progress) -> "Work":
        """Load model and data.

        Raises:
            CheckpointError: If the model can't be loaded.
            DataError: If the data can't be loaded, or isn't what it was.
        """
        identity = evaluation.identity
        forward = Forward.load(identity.model)
        dataset = load(identity.data, forward.info.model.image_size, report)
        if dataset.fingerprint != identity.fingerprint:
            raise DataError(f"The images of {identity.data} are no longer those that were asked for: evaluate again.")
        return cls(evaluation, forward, choose(dataset, identity.split, forward.info), dataset, report)

    def predictions(self) -> Predictions:
        """The predictions, made if they aren't there."""
        evaluation = self.evaluation
        if not evaluation.is_there:
            made = self.forward.predict(self.split, self.report)
            files.make_folder(evaluation.path)
            files.write_json(evaluation.identity_path, evaluation.identity.model_dump())
            predictions.write(evaluation.predictions_path, made)
        return predictions.read(evaluation.predictions_path)

    def reference(self) -> Reference | None:
        """What is measured on the model's own training data; None if that isn't here."""
        identity, info = self.evaluation.identity, self.forward.info
        known = reference.find(identity.model)
        if known is not None:
            return known
        dataset = training_data(info, self.dataset, self.report)
        made = dataset and measure_reference(self.forward, dataset, identity.digest, self.report)
        if made:
            reference.write(self.evaluation.reference_path, made)
        return made

    def unusual(self, found: Predictions) -> Unusual:
        """How unlike the training data the images are, and whether others would be told from them."""
        known = self.reference()
        if known is None:
            return Unusual(note="the data that the model was trained on is not on this machine")
        self.report(0, 0, "comparing with the training data")
        own = known.detector.score(self.forward.seen(self.split.images, found.features))
        rows, images = [], other_images(self.forward.info)
        features = self.forward(torch.cat(list(images.values())), self.report, "comparing with other images")[1]
        other = known.detector.score(self.forward.seen(torch.cat(list(images.values())), features))
        for name, scores in zip(images, np.split(other, len(images)), strict=True):
            is_other = np.repeat([0, 1], [len(own), len(scores)])
            auroc = float(roc_auc_score(is_other, np.concatenate([own, scores])))
            warned = float((scores > known.detector.threshold).mean())
            rows.append(Other(name=name, images=len(scores), auroc=auroc, warned=warned))
        scores = tuple(own.round(4).tolist())
        return Unusual(scores=scores, threshold=known.detector.threshold, others=tuple(rows))

    def suspects(self, found: Predictions) -> Suspects:
        self.report(0, 0, "looking for wrong labels")
        return suspects.find(found)

    def map(self, found: Predictions) -> ImageMap:
        self.report(0, 0, "drawing the map")
        return embedding.draw(found.features)

    def robustness(self, found: Predictions) -> Robustness:
        part = some(self.split, robustness.IMAGES)
        rounds = len(robustness.KINDS) * 5 + 1
        done = 0

        def predict(images: np.ndarray, words: str) -> np.ndarray:
            nonlocal done
            self.report(done * len(images), rounds * len(images), f"corrupting images: {words}")
            done += 1
            return self.forward(torch.from_numpy(images))[0].argmax(axis=1)

        return robustness.measure(predict, part.images.numpy(), part.labels.numpy())


def training_data(info: ModelInfo, at_hand: Dataset, report: Progress) -> Dataset | None:
    """The data that a model was trained on; None if it isn't on this machine as it was."""
    fingerprint = info.data.get("fingerprint")
    if at_hand.fingerprint == fingerprint:
        return at_hand
    known = next((data for data in catalog.list_datasets() if data.fingerprint == fingerprint), None)
    return load(known.name, info.model.image_size, report) if known else None


def measure_reference(forward: Forward, dataset: Dataset, digest: str, report: Progress) -> Reference | None:
    """Temperature and detector, from the model's own training and validation images; None without the latter."""
    val = choose(dataset, "val", forward.info)
    if len(val.labels) < 2:
        return None
    train = some(choose(dataset, "train", forward.info), TRAINING_IMAGES)
    logits, val_features = forward(val.images, report, "measuring validation images")
    _, features = forward(train.images, report, "measuring training images")
    detector = Detector.fit(
        forward.seen(train.images, features), train.labels.numpy(), forward.seen(val.images, val_features)
    )
    return Reference.of(digest, fit_temperature(logits, val.labels.numpy()), detector, len(val.labels))


def other_images(info: ModelInfo) -> dict[str, torch.Tensor]:
    """Images of none of the model's classes, by what they show; the same number of each."""
    side = info.model.image_size
    found = {kind: others.draw(kind, OTHER_IMAGES, side) for kind in others.KINDS}
    if info.classes != shapes.CLASSES:
        found["shapes"] = shapes.render(np.arange(OTHER_IMAGES), side, split="test")[0]
    return {name: torch.from_numpy(images) for name, images in found.items()}


def make(evaluation: Evaluation, report: Progress, parts: tuple[str, ...] = directory.PARTS) -> None:
    """Make what isn't there yet of some parts, the predictions first."""
    work = Work.begin(evaluation, report)
    found = work.predictions()
    for part in evaluation.missing(parts):
        evaluation.write(part, getattr(work, part)(found))


def main() -> None:
    """Make one evaluation in the background."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "data", "split"):
        parser.add_argument(name)
    parser.add_argument("extras", nargs="*")  # of directory.EXTRAS; argparse refuses none where there are choices
    args = parser.parse_args()
    evaluation = directory.find(args.model, catalog.describe(args.data), args.split)
    jobs.run(starting.job_name(evaluation, *args.extras), lambda reporter: _work(evaluation, reporter, args.extras))


def _work(evaluation: Evaluation, reporter: jobs.Reporter, extras: list[str]) -> str:
    make(evaluation, reporter.progress("images"), tuple(extras) or directory.PARTS)
    return "evaluated"


if __name__ == "__main__":
    main()
