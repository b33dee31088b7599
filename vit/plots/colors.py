"""Perceptual colour maps. In one direction lightness rises evenly, so they read the same in grey and in print.

Every 16th colour of matplotlib's tables (viridis, magma, inferno by Smith and van der Walt, CC0; cividis by Nuñez,
Anderton and Renslow 2018, doi:10.1371/journal.pone.0199239), with straight lines between; off by at most 11 of 255.

``DIVERGING`` is for values with a sign: blue below, nearly white at the middle, red above, equally dark at both ends;
both hues stay apart for colour-blind eyes (RdBu of colorbrewer2.org by Cynthia Brewer, Apache 2.0).
"""

from functools import cache

import numpy as np

_ANCHORS = {
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1f9f88 27ad81 3dbc74 5cc863 81d34d "
    "aadc32 d5e21a fde725",
    "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 cf4070 e55064 f4695c fb8761 fea571 "
    "fec287 fde0a1 fcfdbf",
    "inferno": "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d04545 e35933 f1711f f98c0a fcaa0f "
    "f9c932 f2e865 fcffa4",
    "cividis": "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8b8778 9a9376 aaa073 bbad6d ccba64 "
    "ddc858 efd748 fee838",
}
COLOR_MAPS = tuple(_ANCHORS)  # in one direction
DIVERGING = "blue-red"
_ANCHORS[DIVERGING] = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f"


@cache
def table(colors: str) -> np.ndarray:
    """A colour map's 256 colours from low to high, uint8 (256, 3).

    Raises:
        KeyError: If there is no such map.
    """
    anchors = np.array([list(bytes.fromhex(anchor)) for anchor in _ANCHORS[colors].split()])
    places, positions = np.linspace(0, 1, len(anchors)), np.linspace(0, 1, 256)
    channels = [np.interp(positions, places, anchors[:, channel]) for channel in range(3)]
    result = np.stack(channels, axis=1).round().astype(np.uint8)
    result.flags.writeable = False
    return result


def colorize(shares: np.ndarray, colors: str) -> np.ndarray:
    """Shares of a scale in [0, 1], any shape, to colours: uint8 (..., 3)."""
    return table(colors)[(shares * 255).round().astype(np.uint8)]
