"""Images whose label may be wrong, by confident learning (Northcutt et al. 2021, arXiv:1911.00068). No torch."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from vit.evaluation.parts import Suspects
from vit.evaluation.predictions import Predictions

FOLDS, SEED = 5, 0
REGULARIZATION = 0.01  # scikit-learn's C; labels that stand alone among their neighbors should not be fitted
MAX_STEPS = 200
LISTED = 1000  # suspects at most; nobody looks at more


def find(predictions: Predictions) -> Suspects:
    """Rank the labels of a split by how little features of other images speak for them."""
    probability = out_of_sample(predictions.features, predictions.labels, predictions.logits.shape[1])
    quality = probability[np.arange(len(predictions)), predictions.labels]
    is_issue = issues(probability, predictions.labels)
    order = np.lexsort((quality, ~is_issue))[:LISTED]
    return Suspects(
        rows=tuple(order.tolist()),
        suggested=tuple(probability[order].argmax(axis=1).tolist()),
        quality=tuple(quality[order].round(6).tolist()),
        num_issues=int(min(is_issue.sum(), LISTED)),
    )


def out_of_sample(features: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Class probabilities (N, K) of each image from the labels of other images: logistic regression in five folds.

    A class with fewer images than folds has probability 0: nothing can be said of it.
    """
    counts = np.bincount(labels, minlength=num_classes)
    used = np.flatnonzero(counts[labels] >= FOLDS)
    probability = np.zeros((len(labels), num_classes))
    if len(np.unique(labels[used])) < 2:
        probability[np.arange(len(labels)), labels] = 1.0
        return probability
    model = make_pipeline(StandardScaler(), LogisticRegression(C=REGULARIZATION, max_iter=MAX_STEPS))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    with (
        warnings.catch_warnings(),
        threadpool_limits(1),
    ):  # its small products are slower with threads, 30 times beside others
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = cross_val_predict(model, features[used], labels[used], cv=folds, method="predict_proba")
    probability[np.ix_(used, np.unique(labels[used]))] = np.asarray(found)
    rest = np.setdiff1d(np.arange(len(labels)), used)
    probability[rest, labels[rest]] = 1.0
    return probability


def issues(probability: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which labels are likely wrong: bool (N,).

    An image counts for a class if its probability is at least the mean probability of the images with that label. It
    is an issue if the likeliest of the classes it counts for isn't its label.
    """
    num_classes = probability.shape[1]
    own = [probability[labels == k, k] for k in range(num_classes)]
    thresholds = np.array([values.mean() if len(values) else np.inf for values in own])
    counts_for = probability >= thresholds - 1e-6  # as cleanlab does: rounding excludes nobody
    likeliest = np.where(counts_for, probability, -1.0).argmax(axis=1)
    return counts_for.any(axis=1) & (likeliest != labels)
