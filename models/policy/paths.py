"""Demand paths: joint samples of the demand in each segment of a pair's timeline, from strata instead of random draws.

Reads means and dispersions, gives whole-number samples. What to order with them belongs in order.py.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Units = NDArray[np.int32]
Keys = NDArray[np.uint64]
Rates = NDArray[np.float32]

_SHAPES = np.geomspace(1e-2, 1e4, 600)
_LOG_SHAPES = np.log(_SHAPES)
# strata numbers: a segment's own factor, its counts, the length of the cover; segments of the cover are counted apart
COVER, COUNTS, LENGTH = 1_000, 10_000, 100_000
# The counts' table has 32 rates an octave, read off a float32's exponent and first 5 bits: a rate is at most 1.6 % off,
# as often up as down, where the factors move it by tens of percent.
_DROPPED_BITS = 18
_LEAST_RATE, _MOST_RATE = np.float32(2.0**-12), np.float32(2.0**6)
_HIGHEST_RATE = np.float32(1e8)  # whatever is forecast, the units of a few segments stay within 32 bits


@lru_cache(maxsize=8)
def tabulate_gamma(n_paths: int) -> Rates:
    """Gamma quantiles at the middles of n_paths equal strata, one row per shape of the grid, each row of mean 1."""
    middles = (np.arange(n_paths) + 0.5) / n_paths
    table = special.gammaincinv(_SHAPES[:, None], middles[None, :]) / _SHAPES[:, None]
    return np.asarray(table / table.mean(axis=1, keepdims=True), dtype=np.float32)


@lru_cache(maxsize=8)
def tabulate_counts(n_paths: int) -> NDArray[np.int32]:
    """Poisson quantiles at the middles of n_paths strata, one row per bin of rates from 2^-12 to 2^6."""
    first, last = int(_bin_rates(_LEAST_RATE)), int(_bin_rates(_MOST_RATE))
    bits = np.arange(first, last + 1, dtype=np.int32)
    lower = (bits << _DROPPED_BITS).view(np.float32).astype(np.float64)
    upper = ((bits + 1) << _DROPPED_BITS).view(np.float32).astype(np.float64)
    below = special.pdtr(np.arange(140)[None, :], (lower + upper)[:, None] / 2)
    middles = (np.arange(n_paths) + 0.5) / n_paths
    return np.stack([np.searchsorted(row, middles) for row in below]).astype(np.int32)


def _bin_rates(rates: Rates | np.float32) -> NDArray[np.int32]:
    return np.asarray(rates, dtype=np.float32).view(np.int32) >> _DROPPED_BITS


@lru_cache(maxsize=512)
def shuffle_strata(n_paths: int, seed: int, number: int) -> Ints:
    """A permutation of the strata, fixed by seed and number, that makes one factor independent of the others."""
    return np.random.Generator(np.random.PCG64([seed, number])).permutation(n_paths)


def spread_factors(variance: Floats, n_paths: int) -> Rates:
    """Stratified gamma factors of mean 1 and the given variance: (n, n_paths), ascending, no random number used.

    Strata instead of draws, since sampling noise in the quantile costs money: 100 drawn paths order 1 % dearer than
    400. Worked number: variance .25, 500 paths: mean 1, variance .249.
    """
    table = tabulate_gamma(n_paths)
    log_shape = -np.log(np.clip(variance, 1.0 / _SHAPES[-1], 1.0 / _SHAPES[0]))
    place = (log_shape - _LOG_SHAPES[0]) / (_LOG_SHAPES[1] - _LOG_SHAPES[0])
    low = np.clip(place.astype(np.int64), 0, len(_SHAPES) - 2)
    weight = (place - low).astype(np.float32)[:, None]
    return np.asarray(table[low] * (np.float32(1.0) - weight) + table[low + 1] * weight)


def count_units(rates: Rates, strata: Ints) -> Units:
    """Poisson samples of (n, n_paths) rates at the given strata of the uniform, (n, n_paths).

    By table up to a rate of 64; above it by Cornish and Fisher's expansion, rate + z sqrt(rate) + (z^2 - 1) / 6.
    Worked number: rate 100 at the middle stratum: 100 + 0 - 1/6, so 100.
    """
    n_paths = rates.shape[1]
    table = tabulate_counts(n_paths)
    row = _bin_rates(np.clip(rates, _LEAST_RATE, _MOST_RATE)) - _bin_rates(_LEAST_RATE)
    units: Units = np.take(table.ravel(), row * n_paths + strata)
    units[rates < _LEAST_RATE] = 0
    large = rates > _MOST_RATE
    if large.any():
        z = special.ndtri((strata[large] + 0.5) / n_paths)
        rate = np.minimum(rates[large], _HIGHEST_RATE).astype(np.float64)
        units[large] = np.rint(np.maximum(rate + z * np.sqrt(rate) + (z * z - 1.0) / 6.0, 0.0)).astype(np.int32)
    return units


def key_pair(store_code: str, sku: str) -> int:
    """A stable 64-bit key of the pair: its samples do not depend on which other pairs are planned."""
    return int.from_bytes(blake2b(f"{store_code}\x1f{sku}".encode(), digest_size=8).digest(), "little")


def seed_origin(origin: date) -> int:
    """The fixed seed of an origin: a second run for the same day samples the same paths."""
    return origin.toordinal()


def sample_paths(
    means: Floats,
    shared: Floats,
    inner: Floats,
    n_before: int,
    keys: Keys,
    seed: int,
    n_paths: int,
    lengths: tuple[Rates, Rates] | None = None,
) -> Units:
    """Demand paths: (n_pairs, n_segments, n_paths) units, the same for a pair alone as in any batch.

    `means` (n_pairs, n_segments) expected units per segment, `inner` of the same shape (the variance of the segment's
    own factor), `shared` (n_pairs,). Demand = Poisson(mean * G(shared) * G_segment(inner)), the G gamma of mean 1.
    `lengths` (protection.py) multiplies the rates of each path before the order is usable, and those of its cover, both
    (n_pairs, n_paths): an uncertain lead time. Each of the three sources is a Latin hypercube's coordinate (McKay,
    Beckman, Conover 1979): every stratum once.
    Worked number: mean 3, shared .2, inner 0: variance 3 + .2 * 9 = 4.8.
    """
    common = spread_factors(shared, n_paths)
    demand = np.zeros((*means.shape, n_paths), dtype=np.int32)
    for segment in range(means.shape[1]):
        # counted apart, so that padding before the cover changes no sample
        number = segment if segment < n_before else COVER + segment - n_before
        own = spread_factors(inner[:, segment], n_paths)[:, shuffle_strata(n_paths, seed, number)]
        rates = means[:, segment].astype(np.float32)[:, None] * common * own
        if lengths is not None:
            rates *= lengths[0] if segment < n_before else lengths[1]
        # each pair turns the wheel of counts its own way, so that pairs do not share their luck
        turn = (keys >> np.uint64(number % 48)) % np.uint64(n_paths)
        strata = shuffle_strata(n_paths, seed, COUNTS + number)[None, :] + turn.astype(np.int64)[:, None]
        strata -= n_paths * (strata >= n_paths)
        demand[:, segment] = count_units(rates, strata)
    return demand
