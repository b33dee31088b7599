"""Figures of an evaluation, each compared with its definition written out, or with another library."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from vit.evaluation import calibration, metrics

CLASSES = ("cat", "dog", "ship", "never")


@pytest.fixture
def logits() -> np.ndarray:
    """Of 400 images; the fourth class is never the likeliest."""
    made = np.random.default_rng(0).normal(size=(400, 4)) * 2
    made[:, 3] = -20
    return made


@pytest.fixture
def labels(logits) -> np.ndarray:
    """Right for about two thirds; nobody is of the fourth class."""
    rng = np.random.default_rng(1)
    return np.where(rng.random(400) < 0.65, logits.argmax(1), rng.integers(0, 3, 400))


def test_accuracy_has_wilsons_interval():
    predicted = np.array([0] * 83 + [1] * 17)
    found = metrics.accuracy(predicted, np.zeros(100, int))
    z, n, p = 1.959963984540054, 100, 0.83  # Wilson 1927, as on the Wikipedia page of the interval
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (found.value, found.right, found.images) == (0.83, 83, 100)
    assert (found.low, found.high) == pytest.approx((center - half, center + half), abs=1e-12)


def test_precision_recall_and_f1_are_what_counting_says(logits, labels):
    predicted = logits.argmax(1)
    pairs = Counter(zip(labels.tolist(), predicted.tolist(), strict=True))
    for k, row in enumerate(metrics.per_class(predicted, labels, CLASSES)):
        hits = pairs[k, k]
        support = sum(count for (true, _), count in pairs.items() if true == k)
        given = sum(count for (_, guess), count in pairs.items() if guess == k)
        assert (row.name, row.support, row.predicted) == (CLASSES[k], support, given)
        if support and given:
            expected = (hits / given, hits / support, 2 * hits / (given + support))
            assert (row.precision, row.recall, row.f1) == pytest.approx(expected)
        else:  # 0 / 0 is not a figure
            assert (row.precision, row.recall, row.f1) == (None, None, None)


def test_the_confusion_matrix_counts_every_pair_of_label_and_answer(logits, labels):
    predicted = logits.argmax(1)
    pairs = Counter(zip(labels.tolist(), predicted.tolist(), strict=True))
    found = metrics.confusion(predicted, labels, 4)
    assert found.shape == (4, 4)
    assert all(found[true, given] == pairs[true, given] for true in range(4) for given in range(4))


def test_a_cell_holds_its_images_the_surest_first(logits, labels):
    predicted, confidence = logits.argmax(1), softmax(logits, 1).max(1)
    places = metrics.cell(predicted, labels, 0, 1, confidence)
    assert set(places) == {i for i in range(400) if labels[i] == 0 and predicted[i] == 1}
    assert list(confidence[places]) == sorted(confidence[places], reverse=True)


def test_galleries_begin_with_the_extreme_image(logits, labels):
    predicted, confidence = logits.argmax(1), softmax(logits, 1).max(1)
    wrong = [i for i in range(400) if predicted[i] != labels[i]]
    right = [i for i in range(400) if predicted[i] == labels[i]]
    assert metrics.worst_mistakes(predicted, labels, confidence)[0] == max(wrong, key=lambda i: confidence[i])
    assert metrics.surest(predicted, labels, confidence)[0] == max(right, key=lambda i: confidence[i])
    assert metrics.least_certain(predicted, labels, confidence)[0] == min(right, key=lambda i: confidence[i])


@pytest.mark.parametrize(("only_first", "only_second"), [(3, 9), (9, 3), (0, 0), (5, 5), (0, 7)])
def test_mcnemars_exact_test_is_a_fair_coin_on_the_images_on_which_models_differ(only_first, only_second):
    labels = np.zeros(40, int)
    first, second = np.zeros(40, int), np.zeros(40, int)
    second[:only_first] = 1
    first[only_first : only_first + only_second] = 1
    first[-4:] = second[-4:] = 1  # wrong for both
    found = metrics.mcnemar(first, second, labels)
    total, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(total, k) for k in range(fewer + 1)) / 2**total
    assert found.p_value == pytest.approx(min(1.0, 2 * tail))
    assert (found.only_first, found.only_second, found.neither) == (only_first, only_second, 4)
    assert found.both == 40 - total - 4


@pytest.mark.parametrize("size", [1, 700, 1e300])
def test_probabilities_are_scipys_softmax_however_large_the_logits(logits, size):
    found = calibration.probabilities(size * logits)
    assert found == pytest.approx(softmax(size * logits, 1), rel=1e-12, abs=0)


def test_calibration_error_is_the_weighted_gap_over_fifteen_bins(logits, labels):
    probability = softmax(logits, 1)
    error = 0.0
    for low in range(15):
        inside = [i for i in range(400) if low / 15 < probability[i].max() <= (low + 1) / 15]
        if inside:
            confidence = sum(probability[i].max() for i in inside) / len(inside)
            right = sum(probability[i].argmax() == labels[i] for i in inside) / len(inside)
            error += len(inside) / 400 * abs(confidence - right)
    found = calibration.measure(probability, labels)
    assert found.ece == pytest.approx(error)
    assert sum(bin.images for bin in found.bins) == 400
    assert all(bin.low < bin.confidence <= bin.high for bin in found.bins if bin.images)


def test_a_model_that_is_always_sure_and_half_right_is_off_by_half():
    sure = np.tile([1.0, 0.0], (10, 1))
    assert calibration.measure(sure, np.array([0, 1] * 5)).ece == pytest.approx(0.5)


@pytest.mark.parametrize(("count", "tolerance"), [(300, 0.2), (5_000, 0.05)])
def test_the_temperature_undoes_logits_that_were_made_three_times_too_large(count, tolerance):
    rng = np.random.default_rng(2)
    honest = rng.normal(size=(count, 5)) * 2
    labels = np.array([rng.choice(5, p=row) for row in softmax(honest, 1)])
    found = calibration.fit_temperature(3 * honest, labels)
    assert found.of(3 * honest).mean() == pytest.approx(3, rel=tolerance)
    scaled = found.apply(3 * honest)
    assert (scaled.argmax(1) == honest.argmax(1)).all()
    assert calibration.loss(scaled, labels) < calibration.loss(3 * honest, labels)
    if count > calibration.ENOUGH_IMAGES:
        assert calibration.measure(softmax(scaled, 1), labels).ece < 0.02


def test_no_other_temperature_makes_confidences_a_better_guess_of_being_right():
    rng = np.random.default_rng(4)
    logits, labels = rng.normal(size=(1500, 4)) * 3, rng.integers(0, 4, 1500)
    labels = np.where(rng.random(1500) < 0.6, logits.argmax(1), labels)
    found, is_right = calibration.fit_temperature(logits, labels), logits.argmax(1) == labels

    def judged(change: np.ndarray) -> float:
        other = found.model_copy(update={"coefficients": tuple(np.add(found.coefficients, change))})
        return log_loss(is_right, softmax(other.apply(logits), 1).max(1))

    assert all(judged(np.zeros(3)) < judged(sign * step) for step in 0.05 * np.eye(3) for sign in (-1, 1))


def test_few_images_get_one_temperature_for_all():
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(size=(100, 4)), rng.integers(0, 4, 100)
    assert np.ptp(calibration.fit_temperature(logits, labels).of(logits)) == 0


def test_beyond_the_margins_that_were_seen_the_temperature_stays_the_same():
    fitted = calibration.Temperature(coefficients=(0.1, -0.4, 0.1), largest_margin=4.0)
    same = fitted.of(np.array([[4.0, 0.0], [50.0, 0.0], [0.0, 400.0]]))
    assert np.ptp(same) == 0
    assert fitted.of(np.array([[1.0, 0.0]]))[0] == pytest.approx(math.exp(-(0.1 - 0.4 + 0.1)))
