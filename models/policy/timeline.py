"""Timelines: the days between as_of and the end of an order's cover, cut into segments at whatever arrives.

Days are counted from the Monday of the week that holds as_of. Knows dates and means; draws nothing, orders nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.policy.paths import Floats, Ints


@dataclass(frozen=True)
class Timeline:
    """Segments of n pairs. The first `n_before` segments end when the new order becomes usable, the rest is its cover.

    bounds (n, n_segments + 1) days from the Monday; arriving (n, n_segments) units usable at each segment's opening.
    Segments of no length are padding. Within a segment nothing arrives, so only its total demand matters.
    """

    bounds: Floats
    arriving: Ints
    n_before: int

    def rows(self, chosen: slice | Ints) -> Timeline:
        return Timeline(self.bounds[chosen], self.arriving[chosen], self.n_before)


def cut_segments(
    start_day: int, lead_days: Ints, review_days: Ints, arrival_row: Ints, arrival_day: Ints, arrival_qty: Ints
) -> Timeline:
    """Timelines of n pairs from their known arrivals, all days counted from the Monday.

    start_day is as_of; the new order is usable at start_day + lead, and answers until that + review. Arrivals of row
    `arrival_row` due on or before as_of are usable at its opening; those due after the cover are left out.
    """
    n = len(lead_days)
    usable = start_day + lead_days
    end = usable + review_days
    day = np.maximum(arrival_day, start_day)
    kept = day < end[arrival_row]
    row, day, quantity = arrival_row[kept], day[kept], arrival_qty[kept]
    order = np.lexsort((day, row))
    row, day, quantity = row[order], day[order], quantity[order]
    early = day < usable[row]
    before = _place(row[early], day[early], quantity[early], np.full(n, start_day), usable)
    after = _place(row[~early], day[~early], quantity[~early], usable, end)
    bounds = np.concatenate([before[0][:, :-1], after[0]], axis=1)
    return Timeline(bounds, np.concatenate([before[1], after[1]], axis=1), before[1].shape[1])


def _place(row: Ints, day: Ints, quantity: Ints, start: Ints, end: Ints) -> tuple[Floats, Ints]:
    """Bounds (n, k + 1) and arrivals (n, k) of one stretch of days; arrivals must be sorted by row and day."""
    n = len(start)
    opens = day == start[row]
    new_day = np.ones(len(row), dtype=bool)
    new_day[1:] = (row[1:] != row[:-1]) | (day[1:] != day[:-1])
    steps = np.cumsum(new_day & ~opens)
    first = np.searchsorted(row, np.arange(n))
    base = np.concatenate([[0], steps])[first]
    slot = steps - base[row]
    width = int(slot.max(initial=0)) + 1
    bounds = np.repeat(end[:, None].astype(np.float64), width + 1, axis=1)
    bounds[:, 0] = start
    bounds[row, slot] = day
    arriving = np.zeros((n, width), dtype=np.int64)
    np.add.at(arriving, (row, slot), quantity)
    return bounds, arriving


def spread_weeks(bounds: Floats, n_weeks: int) -> Floats:
    """Share of each week that falls in each segment, days alike: (n, n_segments, n_weeks), 0..1.

    Worked number: a segment from Thursday (day 3) to the next Tuesday (day 8): 4/7 of week 0 and 1/7 of week 1.
    """
    opens = 7.0 * np.arange(n_weeks)
    low = np.maximum(bounds[:, :-1, None], opens)
    high = np.minimum(bounds[:, 1:, None], opens + 7.0)
    return np.asarray(np.clip(high - low, 0.0, None) / 7.0)


def segment_means(weekly: Floats, inner: Floats, bounds: Floats) -> tuple[Floats, Floats]:
    """Expected units per segment and the variance of the segment's own factor, both (n, n_segments).

    A factor of variance v in each week becomes one factor of variance v * sum(m_h^2) / (sum m_h)^2 over the part m_h of
    each week h in the segment: exact in mean and variance. Past the forecast's last week its mean is held.
    """
    n_weeks = max(int(np.ceil(bounds.max(initial=7.0) / 7.0)), weekly.shape[1])
    if n_weeks > weekly.shape[1]:
        held = np.repeat(weekly[:, -1:], n_weeks - weekly.shape[1], axis=1)
        weekly = np.concatenate([weekly, held], axis=1)
    parts = spread_weeks(bounds, n_weeks) * weekly[:, None, :]
    total = parts.sum(axis=2)
    squares = (parts * parts).sum(axis=2)
    share = np.divide(squares, total * total, out=np.ones_like(total), where=total > 0)
    return total, inner[:, None] * share
