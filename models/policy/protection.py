"""The protection period as a random length: when an order can be placed, when it is usable, until when it must last.

Reads lead-time quantiles, review periods and the weekdays a vendor takes orders on; gives days and factors for paths.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from models.policy.lead_times import LEVELS
from models.policy.paths import LENGTH, Floats, Ints, Rates, shuffle_strata

Lengths = tuple[Rates, Rates]


def wait_for_order_day(weekday: Ints, days: list[list[int] | None]) -> Ints:
    """Days from a day (0 = Monday) to the first on which a vendor takes orders (1 = Monday, none named = any): (n,).

    Worked number: on a Tuesday (1), orders on Mondays and Thursdays ([1, 4]): 2 days, until Thursday.
    """
    found = np.zeros(len(days), dtype=np.int64)
    for row, named in enumerate(days):
        open_days = [day - 1 for day in named or [] if 1 <= day <= 7]
        if open_days:
            found[row] = min((day - int(weekday[row])) % 7 for day in open_days)
    return found


def stretch_lengths(quantiles: Floats, wait: Ints, review: Ints, seed: int, n_paths: int) -> Lengths | None:
    """What the days before the order is usable, and its cover, are multiplied by on each path: two of (n, n_paths).

    The order comes after the lead time L1, the next one L2 after the next review: L1 moves the days before, and the
    cover is review + L2 - L1, never below 0. None where every lead time is certain. Worked number: lead 10 on the mean
    and 14 on a path, review 7, the next lead 10: 1.4 times the days before and 3 / 7 of the cover.
    """
    if np.ptp(quantiles, axis=1).max(initial=0.0) <= 0:
        return None
    middles = (np.arange(n_paths) + 0.5) / n_paths
    levels = special.ndtri(np.array(LEVELS))
    # straight lines between quantiles, the outer ones prolonged on the scale of a normal
    place = np.clip(np.searchsorted(levels, special.ndtri(middles)) - 1, 0, len(LEVELS) - 2)
    share = (special.ndtri(middles) - levels[place]) / (levels[place + 1] - levels[place])
    days = quantiles[:, place] * (1 - share) + quantiles[:, place + 1] * share
    days = np.maximum(days, 0.0)
    first, second = (days[:, shuffle_strata(n_paths, seed, LENGTH + number)] for number in (0, 1))
    usable = usable_days(quantiles, wait)[:, None]
    is_certain = np.ptp(quantiles, axis=1)[:, None] <= 0
    before = np.where(is_certain | (usable <= 0), 1.0, (wait[:, None] + first) / np.maximum(usable, 1))
    cover = np.where(is_certain, 1.0, np.maximum(review[:, None] + second - first, 0.0) / review[:, None])
    return before.astype(np.float32), cover.astype(np.float32)


def usable_days(quantiles: Floats, wait: Ints) -> Ints:
    """Whole days from as_of until an order is usable, on the mean: (n,)."""
    return np.asarray(wait + np.rint(quantiles.mean(axis=1)).astype(np.int64))
