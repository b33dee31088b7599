"""Out-of-distribution detection: how unlike the training data an image is, from its pixels and its features. No torch.

A picture of something else still gets one of the classes, often with confidence: softmax can't say "none of these".
The distance to the training data can. Two distances are measured, each by Mahalanobis (Lee et al. 2018,
arXiv:1807.03888): of the features before the head to the nearest class, and of a few figures of the pixels (color, and
how much detail there is at which size) to the average image. The first sees what a thing is. The second
is hardly ever wrong about noise, text and textures, on which the features of a small model fail. Both are compared with
val, and added.
"""

from dataclasses import dataclass

import numpy as np

from vit.evaluation.parts import FALSE_ALARMS

CHUNK = 2048  # images at a time, which bounds memory
# Between which frequencies, in waves per pixel, detail is measured; 0.5 is the finest.
BANDS = (0.0156, 0.047, 0.078, 0.14, 0.2, 0.3, 0.39, 0.52, 1.0)
SMALLEST = 1e-3  # added before a logarithm


@dataclass(frozen=True)
class Gaussian:
    """Normal distributions that share a covariance: one for each class, or one for all.

    ``center`` and ``spread`` are mean and standard deviation of the logarithm of the distance on val.
    """

    means: np.ndarray  # (classes, D)
    precision: np.ndarray  # (D, D), inverse of the covariance
    center: float
    spread: float

    @classmethod
    def fit(cls, train: np.ndarray, labels: np.ndarray, val: np.ndarray) -> "Gaussian":
        """Means and covariance (Ledoit and Wolf 2004) of training vectors (n, D), and the usual distances of val."""
        from sklearn.covariance import ledoit_wolf  # takes seconds to load, which whoever only asks need not wait for

        groups = np.unique(labels, return_inverse=True)[1]
        means = np.stack([train[groups == k].mean(axis=0) for k in range(groups.max() + 1)])
        offsets = (train - means[groups]).astype(np.float64)
        scale = offsets.std(axis=0) + SMALLEST  # so that shrinking treats all entries alike
        covariance, _ = ledoit_wolf(offsets / scale, assume_centered=True)
        raw = cls(means, np.linalg.pinv(covariance, hermitian=True) / np.outer(scale, scale), 0.0, 1.0)
        logs = raw.score(val)
        return cls(raw.means, raw.precision, float(logs.mean()), float(logs.std()) or 1.0)

    def score(self, vectors: np.ndarray) -> np.ndarray:
        """Log distance to the nearest mean, in standard deviations from that of val: (N, D) -> (N,)."""
        offsets = ((vectors - mean).astype(np.float64) for mean in self.means)
        squares = np.min([((offset @ self.precision) * offset).sum(axis=1) for offset in offsets], axis=0)
        return (np.log(squares + 1e-12) - self.center) / self.spread


@dataclass(frozen=True)
class Detector:
    """Says how unlike the training data an image is; above ``threshold`` lie five in a hundred validation images."""

    features: Gaussian
    pixels: Gaussian
    threshold: float

    @classmethod
    def fit(cls, train: "Seen", labels: np.ndarray, val: "Seen") -> "Detector":
        """Measure a model's training images, with their labels (n,), and its validation images."""
        same = np.zeros(len(labels), np.int64)
        features = Gaussian.fit(train.features, labels, val.features)
        pixels = Gaussian.fit(train.figures, same, val.figures)
        scores = features.score(val.features) + pixels.score(val.figures)
        return cls(features, pixels, float(np.quantile(scores, 1 - FALSE_ALARMS)))

    def score(self, seen: "Seen") -> np.ndarray:
        """The more, the more unusual: (N,). The usual is about 0."""
        return self.features.score(seen.features) + self.pixels.score(seen.figures)

    def is_unusual(self, seen: "Seen") -> np.ndarray:
        """Which images are to be warned about: bool (N,)."""
        return self.score(seen) > self.threshold


@dataclass(frozen=True)
class Seen:
    """What a detector needs of images: the model's features (N, D), and ``figures`` of their pixels (N, 18)."""

    features: np.ndarray
    figures: np.ndarray


def figures(images: np.ndarray) -> np.ndarray:
    """What the pixels of images have on average: uint8 (N, C, H, W), at the model's own size, -> float64 (N, 18)."""
    return np.concatenate([_figures(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)])


def _figures(images: np.ndarray) -> np.ndarray:
    values = np.broadcast_to(images, (len(images), 3, *images.shape[2:])) / 255.0
    gray = values.mean(axis=1)
    color = values - gray[:, None]
    steps = [np.abs(np.diff(gray, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    spread = [color.std(axis=(1, 2, 3)), np.abs(np.diff(color, axis=3)).mean(axis=(1, 2, 3))]
    logs = np.log(np.stack([*steps, *spread, *_detail(gray)], axis=1) + SMALLEST)
    return np.hstack([values.mean(axis=(2, 3)), values.std(axis=(2, 3)), logs])


def _detail(gray: np.ndarray) -> list[np.ndarray]:
    """Mean power in bands of frequency of gray images (N, H, W): (N,) each. A band without a frequency has none."""
    height, width = gray.shape[1:]
    power = np.abs(np.fft.rfft2(gray - gray.mean(axis=(1, 2), keepdims=True))) ** 2 / (height * width)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    masks = [(frequency >= low) & (frequency < high) for low, high in zip(BANDS, BANDS[1:], strict=False)]
    return [power[:, mask].mean(axis=1) if mask.any() else np.zeros(len(gray)) for mask in masks]
