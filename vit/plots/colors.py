"""Color maps: matplotlib's own 256 colors, so that a color here is the color that its name stands for elsewhere.

``SEQUENTIAL`` is inferno (Smith and van der Walt, CC0): lightness rises evenly, so it reads the same in gray and in
print. ``SIGNED`` is RdBu_r (colorbrewer2.org by Cynthia Brewer, Apache 2.0): blue below 0, nearly white at 0, red
above; both hues stay apart for color-blind eyes. ``pages/shared/viewer/heatmap.js`` does the same in a browser; a
test compares the two.
"""

from functools import cache

import numpy as np

SEQUENTIAL, SIGNED = "inferno", "RdBu_r"
COLOR_MAPS = (SEQUENTIAL, SIGNED)
STRONGEST = 0.85  # opacity of the strongest patch in an overlay
GAMMA = 0.75  # how fast opacity rises

_TABLES = {
    "inferno": (
        "00000401000501010601010802010a02020c02020e03021004031204031405041706041907051b08051d09061f0a0722"
        "0b07240c08260d08290e092b10092d110a30120a32140b34150b37160b39180c3c190c3e1b0c411c0c431e0c451f0c48"
        "210c4a230c4c240c4f260c51280b53290b552b0b572d0b592f0a5b310a5c320a5e340a5f3609613809623909633b0964"
        "3d09653e0966400a67420a68440a68450a69470b6a490b6a4a0c6b4c0c6b4d0d6c4f0d6c510e6c520e6d540f6d550f6d"
        "57106e59106e5a116e5c126e5d126e5f136e61136e62146e64156e65156e67166e69166e6a176e6c186e6d186e6f196e"
        "71196e721a6e741a6e751b6e771c6d781c6d7a1d6d7c1d6d7d1e6d7f1e6c801f6c82206c84206b85216b87216b88226a"
        "8a226a8c23698d23698f24699025689225689326679526679727669827669a28659b29649d29649f2a63a02a63a22b62"
        "a32c61a52c60a62d60a82e5fa92e5eab2f5ead305dae305cb0315bb1325ab3325ab43359b63458b73557b93556ba3655"
        "bc3754bd3853bf3952c03a51c13a50c33b4fc43c4ec63d4dc73e4cc83f4bca404acb4149cc4248ce4347cf4446d04545"
        "d24644d34743d44842d54a41d74b3fd84c3ed94d3dda4e3cdb503bdd513ade5238df5337e05536e15635e25734e35933"
        "e45a31e55c30e65d2fe75e2ee8602de9612bea632aeb6429eb6628ec6726ed6925ee6a24ef6c23ef6e21f06f20f1711f"
        "f1731df2741cf3761bf37819f47918f57b17f57d15f67e14f68013f78212f78410f8850ff8870ef8890cf98b0bf98c0a"
        "f98e09fa9008fa9207fa9407fb9606fb9706fb9906fb9b06fb9d07fc9f07fca108fca309fca50afca60cfca80dfcaa0f"
        "fcac11fcae12fcb014fcb216fcb418fbb61afbb81dfbba1ffbbc21fbbe23fac026fac228fac42afac62df9c72ff9c932"
        "f9cb35f8cd37f8cf3af7d13df7d340f6d543f6d746f5d949f5db4cf4dd4ff4df53f4e156f3e35af3e55df2e661f2e865"
        "f2ea69f1ec6df1ed71f1ef75f1f179f2f27df2f482f3f586f3f68af4f88ef5f992f6fa96f8fb9af9fc9dfafda1fcffa4"
    ),
    "RdBu_r": (
        "05306106326407346708366a09386d0a3b700c3d730d3f760e41790f437b10457e114781124984134c87144e8a15508d"
        "1752901854931956961a58991b5a9c1c5c9f1d5fa21e61a51f63a82065ab2267ac2369ad246aae266caf276eb02870b1"
        "2a71b22b73b32c75b42e77b52f79b5307ab6327cb7337eb83480b93681ba3783bb3885bc3a87bd3b88be3c8abe3e8cbf"
        "3f8ec0408fc14291c24393c34695c44997c54c99c64f9bc7529dc8569fc959a1ca5ca3cb5fa5cd62a7ce65a9cf68abd0"
        "6bacd16eaed271b0d375b2d478b4d57bb6d67eb8d781bad884bcd987beda8ac0db8dc2dc90c4dd93c6de96c7df98c8e0"
        "9bc9e09dcbe1a0cce2a2cde3a5cee3a7d0e4a9d1e5acd2e5aed3e6b1d5e7b3d6e8b6d7e8b8d8e9bbdaeabddbeac0dceb"
        "c2ddecc5dfecc7e0edcae1eecce2efcfe4efd1e5f0d2e6f0d4e6f1d5e7f1d7e8f1d8e9f1dae9f2dbeaf2ddebf2deebf2"
        "e0ecf3e1edf3e3edf3e4eef4e6eff4e7f0f4e9f0f4eaf1f5ecf2f5edf2f5eff3f5f0f4f6f2f5f6f3f5f6f5f6f7f6f7f7"
        "f7f6f6f7f5f4f8f4f2f8f3f0f8f2eff8f1edf9f0ebf9efe9f9eee7f9ede5f9ebe3faeae1fae9dffae8defae7dcfbe6da"
        "fbe5d8fbe4d6fbe3d4fce2d2fce0d0fcdfcffcdecdfdddcbfddcc9fddbc7fdd9c4fcd7c2fcd5bffcd3bcfbd0b9fbceb7"
        "fbccb4facab1fac8aff9c6acf9c4a9f9c2a7f8bfa4f8bda1f8bb9ef7b99cf7b799f7b596f6b394f6b191f6af8ef5ac8b"
        "f5aa89f5a886f4a683f3a481f2a17ff19e7df09c7bef9979ee9677ec9374eb9172ea8e70e98b6ee8896ce6866ae58368"
        "e48066e37e64e27b62e17860df765ede735cdd7059dc6e57db6b55da6853d86551d7634fd6604dd55d4cd35a4ad25849"
        "d05548cf5246ce4f45cc4c44cb4942c94741c84440c6413ec53e3dc43b3cc2383ac13639bf3338be3036bd2d35bb2a34"
        "ba2832b82531b72230b61f2eb41c2db3192cb1182bae172aab162aa81529a51429a213289f12289c1127991027960f27"
        "930e26900d268d0c258a0b25870a248409248108237f08237c07227906227605217304217003206d02206a011f67001f"
    ),
}


@cache
def table(colors: str) -> np.ndarray:
    """A color map's 256 colors from low to high, uint8 (256, 3).

    Raises:
        KeyError: If there is no such map.
    """
    return np.frombuffer(bytes.fromhex(_TABLES[colors]), np.uint8).reshape(256, 3)


@cache
def tints(colors: str, rest: float) -> np.ndarray:
    """The same colors for an overlay, with an opacity that follows the value: uint8 (256, 4), alpha last.

    Args:
        colors: Name of the map.
        rest: Share of the scale that leaves the image as it is; what lies below does so, too, unless it is ``SIGNED``.
    """
    distance = (np.arange(256) / 255 - rest) / (1 - rest)
    strength = np.abs(distance) if colors == SIGNED else np.maximum(0, distance)
    alpha = np.floor(255 * STRONGEST * strength**GAMMA + 0.5)
    return np.concatenate([table(colors), alpha[:, None].astype(np.uint8)], axis=1)


def colorize(shares: np.ndarray, colors: str) -> np.ndarray:
    """Shares of a scale in [0, 1], any shape, to colors: uint8 (..., 3)."""
    return table(colors)[places(shares)]


def tint(shares: np.ndarray, colors: str, rest: float) -> np.ndarray:
    """Shares of a scale in [0, 1], any shape, to colors of an overlay, as ``tints``: uint8 (..., 4)."""
    return tints(colors, rest)[places(shares)]


def places(shares: np.ndarray) -> np.ndarray:
    """Places in a table of 256 colors; halves are rounded upwards, as JavaScript does it."""
    return np.floor(np.asarray(shares, np.float64) * 255 + 0.5).astype(np.uint8)
