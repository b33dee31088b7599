"""A map on which images with alike features lie beside each other: t-SNE (van der Maaten and Hinton 2008). No torch."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from vit.evaluation.parts import ImageMap

IMAGES = 2000  # at most
DIMENSIONS = 30  # that t-SNE starts from
STEPS = 500  # twice as many take twice the time, and the same images are neighbors
PERPLEXITY = 30  # neighbors that count; fewer where there are few images
SEED = 0


def draw(features: np.ndarray) -> ImageMap:
    """A place for each of at most ``IMAGES`` images with features (N, D), drawn by a seed."""
    rows = np.sort(np.random.default_rng(SEED).permutation(len(features))[:IMAGES])
    chosen = features[rows]
    if len(rows) < 4:  # too few for neighbors
        places = np.zeros((len(rows), 2)) + np.arange(len(rows))[:, None]
    else:
        reduced = PCA(min(DIMENSIONS, *chosen.shape), random_state=SEED).fit_transform(chosen)
        perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
        with threadpool_limits(1):  # threads that wait for each other are slow beside other programs
            places = TSNE(perplexity=perplexity, init="pca", max_iter=STEPS, random_state=SEED).fit_transform(reduced)
    x, y = np.asarray(places, np.float64).round(3).T.tolist()
    return ImageMap(rows=tuple(rows.tolist()), x=tuple(x), y=tuple(y))
