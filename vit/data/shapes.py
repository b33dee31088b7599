"""The built-in data set: ten shapes in any color, place, size and tilt, on textured ground with distractors.

It needs no network and no disk, can be made at any size, and knows which pixels belong to the object, which makes it
a ground truth for explanations. Color, brightness and ground say nothing about the class; only form does.
"""

import numpy as np
from numpy import abs as absolute
from numpy import hypot, maximum, minimum

from vit.data import draws

# Outlines are signed distances: negative inside, in units of the radius; x points right and y down, and every outline
# fits the unit circle. Most are bounds that are exact near the border, which is all that anti-aliasing needs (Quilez,
# https://iquilezles.org/articles/distfunctions2d/).


def arrow(x, y):
    """Pointing right."""
    shaft = _box(x + 0.45, y, 0.5, 0.2)
    head = maximum(0.55 * x + 0.835 * absolute(y) - 0.52, 0.02 - x)
    return minimum(shaft, head)


def circle(x, y):
    return hypot(x, y) - 0.85


def crescent(x, y):
    return maximum(hypot(x, y) - 0.95, 0.78 - hypot(x - 0.45, y))


def cross(x, y):
    return minimum(_box(x, y, 0.95, 0.28), _box(x, y, 0.28, 0.95))


def heart(x, y):
    """A square on its corner with a half disc on both upper sides."""
    x, y, half = absolute(x), 0.07 - y, 0.72
    lobe = hypot(x - half / 2, y - half / 2) - half * 0.7071
    return minimum(lobe, 0.7071 * (x + absolute(y) - half))


def hourglass(x, y):
    """Two triangles, tip to tip."""
    x, y = absolute(x), absolute(y)
    return maximum(y - 0.85, 0.77 * (x - 0.08) - 0.64 * y)


def ring(x, y):
    return absolute(hypot(x, y) - 0.7) - 0.22


def square(x, y):
    return _box(x, y, 0.72, 0.72)


def star(x, y):
    """Five points: folded into one wedge of a tenth, then the distance to that point's edge."""
    wedge = 2 * np.pi / 5
    angle = np.arctan2(x, -y)
    angle = absolute(angle - wedge * np.round(angle / wedge))
    radius = hypot(x, y)
    tip, notch = 1.0, 0.42
    edge = np.array([notch * np.cos(wedge / 2) - tip, notch * np.sin(wedge / 2)])
    normal = np.array([edge[1], -edge[0]]) / hypot(*edge)
    return (radius * np.cos(angle) - tip) * np.float32(normal[0]) + radius * np.sin(angle) * np.float32(normal[1])


def triangle(x, y):
    """Pointing up."""
    y = y - 0.15
    return maximum(0.866 * absolute(x) - 0.5 * y, y) - 0.5


def _box(x, y, half_width: float, half_height: float):
    return maximum(absolute(x) - half_width, absolute(y) - half_height)


OUTLINES = (arrow, circle, crescent, cross, heart, hourglass, ring, square, star, triangle)
CLASSES = tuple(outline.__name__ for outline in OUTLINES)
COUNTS = {"train": 12_000, "test": 2_000}
SEED = 0
VERSION = 1  # part of the fingerprint: raise it when a pixel changes
CHUNK = 200  # images at a time; what is computed on stays in the cache
STREAMS = {"train": 1 << 42, "test": 1 << 43}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def render(indices: np.ndarray, image_size: int, seed: int = SEED, split: str = "train", progress=None):
    """Make images, each a pure function of (seed, split, index).

    Args:
        indices: Places in the split, (n,).
        image_size: S, the side in pixels.
        seed: Another seed, another data set.
        split: "train" or "test".
        progress: Called with (done, total, message).

    Returns:
        images uint8 (n, 3, S, S), labels int64 (n,), and masks bool (n, S, S) of the object's pixels.
    """
    n, S = len(indices), image_size
    images, masks = np.empty((n, 3, S, S), np.uint8), np.empty((n, S, S), bool)
    labels = label_of(indices, seed, split)
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        images[part], masks[part] = _paint(indices[part], labels[part], S, seed, split)
        if progress:
            progress(min(part.stop, n), n, f"drawing shapes ({split})")
    return images, labels, masks


def label_of(indices: np.ndarray, seed: int = SEED, split: str = "train") -> np.ndarray:
    """Classes, int64 (n,): every ten images in a row are a reordering of the ten classes."""
    block, place = np.divmod(np.asarray(indices), len(CLASSES))
    first, stride = draws.uniform(seed, STREAMS[split] + 1, block, 2).T
    steps = np.array([1, 3, 7, 9])[(4 * stride).astype(int)]  # coprime to ten
    return ((10 * first).astype(np.int64) + steps * place) % len(CLASSES)


def _paint(indices, labels, S: int, seed: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ground, then distractors, then the object, then grain."""
    u = iter(draws.uniform(seed, STREAMS[split], indices, 64).T[:, :, None, None])
    axis = (np.arange(S, dtype=np.float32) + 0.5) / S
    x, y = axis[None, None, :], axis[None, :, None]
    brightness = 0.25 + 0.5 * next(u)
    canvas = _ground(x, y, brightness, u)
    for _ in range(3):
        _stroke(canvas, x, y, brightness, u)
    inside = _coverage(labels, x, y, S, u)
    contrast = 0.30 + 0.15 * next(u)
    light = brightness + np.where(brightness > 0.25 + 0.5 * next(u), -contrast, contrast)
    shade = 0.08 * (x - y) * (2 * next(u) - 1)
    canvas += inside[:, None] * (_color(light, u) + shade[:, None] - canvas)
    grain = draws.uniform(seed, STREAMS[split] + 2, indices, S * S).reshape(-1, 1, S, S)
    return np.clip(255 * canvas + 24 * grain - 11.5, 0, 255).astype(np.uint8), inside > 0.5


def _ground(x, y, brightness, u) -> np.ndarray:
    """Two similar colors mixed by crossing waves, float32 (n, 3, S, S)."""
    one, other = _color(brightness - 0.07, u), _color(brightness + 0.07, u)
    angle, frequency, phase = 2 * np.pi * next(u), 4 + 16 * next(u), 2 * np.pi * next(u)
    bend, twist = 2 * next(u), 3 + 6 * next(u)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    waves = 0.5 + 0.5 * np.sin(frequency * along + phase + bend * np.sin(twist * across))
    return one + waves[:, None] * (other - one)


def _stroke(canvas, x, y, brightness, u) -> None:
    """Draw one thin, open line or faint smudge: something to look past."""
    cx, cy, angle = next(u), next(u), np.pi * next(u)
    is_line = next(u) < 0.6
    length, width = np.where(is_line, 0.1 + 0.2 * next(u), 0.05), np.where(is_line, 0.015, 0.05)
    along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
    distance = np.maximum(np.abs(along) - length, 0) ** 2 + across**2
    opacity = (0.35 + 0.5 * next(u)) * np.exp(-distance / (2 * width**2))
    color = _color(np.clip(brightness + 0.5 * (next(u) - 0.5), 0.1, 0.9), u)
    canvas += opacity[:, None] * (color - canvas)


def _coverage(labels, x, y, S: int, u) -> np.ndarray:
    """How much of each pixel the object covers, float32 (n, S, S)."""
    radius = 0.26 + 0.14 * next(u)
    cx, cy = (radius + (1 - 2 * radius) * next(u) for _ in range(2))
    tilt = (2 * next(u) - 1) * np.pi / 9  # up to 20 degrees
    dx, dy = (x - cx) / radius, (y - cy) / radius
    across, down = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
    distance = np.empty(across.shape, np.float32)
    for label, outline in enumerate(OUTLINES):
        rows = labels == label
        distance[rows] = outline(across[rows], down[rows])
    return np.clip(0.5 - distance * radius * S, 0, 1)


def _color(luma, u) -> np.ndarray:
    """A random hue of the given brightness, float32 (n, 3, 1, 1)."""
    hue = np.concatenate([next(u) for _ in range(3)], 1)[..., None] - np.float32(0.5)
    hue = 0.5 * (hue - np.tensordot(hue, LUMA, (1, 0))[:, None])
    return np.clip(luma[:, None] + hue, 0.02, 0.98).astype(np.float32)
