"""Ten outlines as signed distances: negative inside, in units of the radius, for arrays of points.

x points right and y points down; every outline fits the unit circle. Most distances are bounds that are exact near
the border, which is all that anti-aliasing needs (Quilez, https://iquilezles.org/articles/distfunctions2d/).
"""

import numpy as np
from numpy import abs as absolute
from numpy import hypot, maximum, minimum


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


OUTLINES = {
    outline.__name__: outline
    for outline in (arrow, circle, crescent, cross, heart, hourglass, ring, square, star, triangle)
}
