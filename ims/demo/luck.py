"""Luck by key: a number drawn for one thing (a visit, an order), the same whatever else happens around it.

Streams (`streams.py`) serve what is drawn day by day. What people do is drawn by key instead, so that a longer history,
or a further order on the same day, changes nobody else's.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtri

from ims.demo.days import Floats, Ints

Keys = npt.NDArray[Any]


class Luck:
    """Draws for arrays of keys. `purpose` keeps the draws for one key apart."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def uniform(self, purpose: str, key: Keys) -> Floats:
        """In (0, 1), one for each key."""
        salt = _mix(np.array([self._seed], dtype=np.uint64) + np.uint64(zlib.crc32(purpose.encode()) << 20))
        bits = _mix(_mix(key.astype(np.uint64) ^ salt) + salt)
        share: Floats = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
        return share

    def normal(self, purpose: str, key: Keys) -> Floats:
        """Standard normal."""
        drawn: Floats = ndtri(self.uniform(purpose, key))
        return drawn

    def gamma(self, purpose: str, key: Keys, shape: float, scale: float) -> Floats:
        """Gamma with mean shape x scale."""
        drawn: Floats = gammaincinv(shape, self.uniform(purpose, key)) * scale
        return drawn

    def exponential(self, purpose: str, key: Keys, mean: float) -> Floats:
        """Exponential."""
        drawn: Floats = -mean * np.log(self.uniform(purpose, key))
        return drawn

    def geometric(self, purpose: str, key: Keys, mean: float) -> Ints:
        """1, 2, 3 ... with the given mean."""
        drawn: Ints = np.ceil(np.log(self.uniform(purpose, key)) / np.log(1.0 - 1.0 / mean)).astype(np.int64)
        return np.maximum(drawn, 1)

    def choose(self, purpose: str, key: Keys, weights: npt.ArrayLike) -> Ints:
        """Index into `weights`, which need not add up to 1."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(edges / edges[-1], self.uniform(purpose, key), side="right").clip(0, len(edges) - 1)

    def whole(self, purpose: str, key: Keys, low: int, high: int) -> Ints:
        """A whole number, low <= n <= high."""
        return low + (self.uniform(purpose, key) * (high - low + 1)).astype(np.int64)


def _mix(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64: neighbouring keys give unrelated bits."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
