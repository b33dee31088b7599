"""Random numbers as a pure function of (seed, stream, index): no generator, so no state to lose or to share.

SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195) turns every counter into 64 bits.
What is drawn for one index doesn't depend on which others are asked for, nor on the batch, the process or the device.
"""

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def bits(seed: int, stream: int, indices: np.ndarray, count: int = 1) -> np.ndarray:
    """Random bits, uint64 (n, count), for each of ``indices`` (n,) under ``seed`` and ``stream``."""
    with np.errstate(over="ignore"):
        key = _mix(_mix(np.array([seed], np.uint64) + GOLDEN) + np.uint64(stream))
        rows = _mix(key ^ _mix(np.asarray(indices).astype(np.uint64) + GOLDEN))
        columns = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
        return _mix(rows[:, None] + columns)


def uniform(seed: int, stream: int, indices: np.ndarray, count: int = 1) -> np.ndarray:
    """Random numbers in [0, 1), float32 (n, count)."""
    return (bits(seed, stream, indices, count) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)


def permutation(n: int, seed: int, stream: int) -> np.ndarray:
    """A random order of 0..n-1, int64 (n,)."""
    return np.argsort(bits(seed, stream, np.arange(n))[:, 0], kind="stable")


def _mix(state: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64; a bijection on 64 bits."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
