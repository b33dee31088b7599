"""Which form of temperature makes a model's confidence honest, judged by cross-validation on val alone.

python -m bench.temperature --data cifar10

A temperature 1 / exp(polynomial of the margin), of degree 0 to 4, fitted by cross-entropy of all classes or by the log
loss of "the answer is right"; and two maps of the confidence, beta calibration (Kull et al. 2017) and isotonic
regression. Each is fitted on four fifths of val and judged on the fifth, three times. Test is not opened.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import KFold

from bench import machine
from vit import models
from vit.cli.progress import Progress
from vit.data.load import load
from vit.evaluation import calibration
from vit.evaluation.forward import Forward
from vit.evaluation.predictions import Predictions
from vit.evaluation.split import choose

RESULTS = Path(__file__).parent / "results"
FOLDS, ROUNDS = 5, 3
SMALLEST = 1e-6  # probability, before a logarithm
Confidence = Callable[[np.ndarray], np.ndarray]  # from logits (N, K) to the probability that the answer is right, (N,)
Fit = Callable[[np.ndarray, np.ndarray], Confidence]  # from logits (N, K) and labels (N,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="what the shipped models were trained on")
    args = parser.parse_args()
    result: dict = {"processor": machine.processor(), "folds": FOLDS, "rounds": ROUNDS}
    for name in models.shipped():
        found = on_val(name, args.data)
        result[name] = {"val_images": len(found), "forms": {form: judged(fit, found) for form, fit in FORMS.items()}}
    (RESULTS / "temperature.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def on_val(name: str, data: str) -> Predictions:
    """What a shipped model says of its validation images."""
    forward = Forward.load(name)
    with Progress("Predicting val", unit="images") as report:
        return forward.predict(choose(load(data, forward.info.model.image_size, report), "val", forward.info), report)


def judged(fit: Fit, found: Predictions) -> dict[str, float]:
    """Log loss and ECE of confidences that were fitted on other images."""
    losses, errors = [], []
    is_right = found.predicted == found.labels
    for seed in range(ROUNDS):
        confidence = np.zeros(len(found))
        for rest, held_out in KFold(FOLDS, shuffle=True, random_state=seed).split(found.logits):
            confidence[held_out] = fit(found.logits[rest], found.labels[rest])(found.logits[held_out])
        losses.append(calibration.loss_of_confidence(confidence, is_right))
        errors.append(ece(confidence, is_right))
    return {"log_loss": round(float(np.mean(losses)), 4), "ece": round(float(np.mean(errors)), 4)}


def ece(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """ECE of confidences, in the bins of ``vit.evaluation.calibration``."""
    place = np.ceil(confidence * calibration.BINS)
    gaps = [abs((confidence - is_right)[place == k].sum()) for k in np.unique(place)]
    return float(sum(gaps) / len(confidence))


def temperature(degree: int, is_of_answer: bool) -> Fit:
    """A temperature whose logarithm is a polynomial of the margin."""

    def fit(logits: np.ndarray, labels: np.ndarray) -> Confidence:
        most, is_right = margin(logits).max(), logits.argmax(axis=1) == labels

        def scaled(values: np.ndarray, logits: np.ndarray) -> np.ndarray:
            return logits * np.exp(np.polynomial.polynomial.polyval(margin(logits).clip(max=most), values))[:, None]

        def loss(values: np.ndarray) -> float:
            if not is_of_answer:
                return calibration.loss(scaled(values, logits), labels)
            return calibration.loss_of_confidence(largest(scaled(values, logits)), is_right)

        best = minimize(loss, np.zeros(degree + 1), method="Nelder-Mead", options={"maxiter": 2000}).x
        return lambda logits: largest(scaled(best, logits))

    return fit


def beta(logits: np.ndarray, labels: np.ndarray) -> Confidence:
    """Logistic regression on log p and log (1 - p)."""

    def inputs(logits: np.ndarray) -> np.ndarray:
        p = largest(logits).clip(SMALLEST, 1 - SMALLEST)
        return np.stack([np.ones(len(p)), np.log(p), np.log(1 - p)], axis=1)

    known, sign = inputs(logits), np.where(logits.argmax(axis=1) == labels, -1, 1)
    best = minimize(lambda values: np.logaddexp(0, sign * (known @ values)).mean(), np.zeros(3)).x
    return lambda logits: expit(inputs(logits) @ best)


def isotonic(logits: np.ndarray, labels: np.ndarray) -> Confidence:
    """Any map of the confidence that never falls."""
    fitted = IsotonicRegression(y_min=0.02, y_max=0.999, out_of_bounds="clip")
    fitted.fit(largest(logits), logits.argmax(axis=1) == labels)
    return lambda logits: fitted.predict(largest(logits))


def margin(logits: np.ndarray) -> np.ndarray:
    second, first = np.partition(logits.astype(np.float64), -2, axis=1)[:, -2:].T
    return first - second


def largest(logits: np.ndarray) -> np.ndarray:
    return calibration.probabilities(logits).max(axis=1)


FORMS: dict[str, Fit] = {
    "as the model says": lambda logits, labels: largest,
    **{f"temperature of degree {k}, all classes": temperature(k, is_of_answer=False) for k in range(5)},
    **{f"temperature of degree {k}, the answer": temperature(k, is_of_answer=True) for k in range(5)},
    "beta calibration": beta,
    "isotonic regression": isotonic,
}


if __name__ == "__main__":
    main()
