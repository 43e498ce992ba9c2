"""Draws members of groups at random, many at once: a substitute on a shelf, a store that still has the style."""

from __future__ import annotations

import numpy as np

from ims.demo.days import Floats, Ints


class Picker:
    """Knows which pairs form which group; picks one of a group in proportion to a weight that changes daily."""

    def __init__(self, group: Ints) -> None:
        self._members = np.argsort(group, kind="stable")
        self._last = np.cumsum(np.bincount(group))
        self._first = self._last - np.bincount(group)

    def pick(self, group: Ints, weight: Floats, rng: np.random.Generator) -> Ints:
        """One member for each entry of `group`; -1 where none has a weight. weight: one per pair."""
        ends = np.concatenate(([0.0], np.cumsum(weight[self._members])))
        low, high = ends[self._first[group]], ends[self._last[group]]
        at = low + rng.random(len(group)) * (high - low)
        place = np.clip(np.searchsorted(ends, at, side="right") - 1, self._first[group], self._last[group] - 1)
        chosen = self._members[place]
        return np.where((high > low) & (weight[chosen] > 0), chosen, -1)


def rank_within(keys: Ints) -> Ints:
    """0, 1, 2, ... within equal keys, in the order given: [5, 7, 5] gives [0, 0, 1]."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.concatenate(([True], ordered[1:] != ordered[:-1])) if len(keys) else np.zeros(0, dtype=bool)
    position = np.arange(len(keys))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = position - np.maximum.accumulate(np.where(starts, position, 0))
    return rank
