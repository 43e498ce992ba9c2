"""Weekly season by hierarchy: chain, then category, then sku, each shrunk to the one above.

Reads a panel up to an origin, never past it. Levels and forecasts do not belong here.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from models.features.history import sum_by
from models.features.panel import Floats, Panel

# Weights in units of expected demand: what a group must have sold before its own shape counts as much as its
# parent's. Measured on one chain (docs/forecast.md); neighbours within a factor of two cost nothing.
CHAIN_WEIGHT = 20.0
GROUP_WEIGHT = 1000.0
AMPLITUDE = 0.65
WEEKS = 52
# A shape over the year cannot be told from a trend before a week of the year has come back.
LEAST_WEEKS = 56


def season_at(panel: Panel, origin: int) -> Floats:
    """Season index (n_sku_codes, 52) from the weeks before column `origin`; mean about 1 over a year.

    For each group: units sold in a week of the year over the units its series' levels and the group's trend
    (centred 53-week mean of the same ratio) would have given. A sku with 100 units expected in week 1, 150
    sold, and a category index of 1.1 there: (150 + 1000 * 1.1) / (100 + 1000) = 1.14, then 1 + .65 * .14 = 1.09.
    All ones when there are under 56 weeks.
    """
    n_sku = int(panel.codes["sku"].max(initial=0)) + 1
    if origin < LEAST_WEEKS:
        return np.ones((n_sku, WEEKS))
    weight = panel.weight[:, :origin]
    seen = weight * panel.demand[:, :origin]
    level = seen.sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    expected = weight * level[:, None]
    calendar = sparse.csr_matrix(
        (np.ones(origin), (np.arange(origin), panel.weeks_of_year(0, origin))), shape=(origin, WEEKS)
    )
    sku_units, sku_expected = sum_by(panel.codes["sku"], seen), sum_by(panel.codes["sku"], expected)
    category_of_sku = np.zeros(n_sku, dtype=np.int64)
    category_of_sku[panel.codes["sku"]] = panel.codes["category"]
    group_units, group_expected = sum_by(category_of_sku, sku_units), sum_by(category_of_sku, sku_expected)
    chain = _shape(group_units.sum(0, keepdims=True), group_expected.sum(0, keepdims=True), calendar, None)
    group = _shape(group_units, group_expected, calendar, np.repeat(chain, group_units.shape[0], axis=0))
    sku = _shape(sku_units, sku_expected, calendar, group[category_of_sku])
    return np.asarray(np.maximum(1.0 + AMPLITUDE * (sku - 1.0), 0.05))


def _shape(units: Floats, expected: Floats, calendar: sparse.csr_matrix, parent: Floats | None) -> Floats:
    numerator = units @ calendar
    denominator = (expected * _trend(units, expected)) @ calendar
    if parent is None:
        shape = (numerator + CHAIN_WEIGHT) / (denominator + CHAIN_WEIGHT)
    else:
        shape = (numerator + GROUP_WEIGHT * parent) / (denominator + GROUP_WEIGHT)
    return np.asarray(shape / shape.mean(axis=1, keepdims=True))


def _trend(units: Floats, expected: Floats, half: int = 26, least: int = 27) -> Floats:
    """Centred 53-week mean of units / expected, at least 27 weeks in it, its edges carried outwards."""
    n = units.shape[1]
    known = expected > 0
    ratio = np.where(known, units / np.maximum(expected, 1e-9), 0.0)
    total = np.concatenate([np.zeros((len(units), 1)), np.cumsum(ratio, axis=1)], axis=1)
    count = np.concatenate([np.zeros((len(units), 1)), np.cumsum(known, axis=1)], axis=1)
    low, high = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
    weeks = count[:, high] - count[:, low]
    mean = (total[:, high] - total[:, low]) / np.maximum(weeks, 1)
    good = weeks >= least
    first, last = np.argmax(good, axis=1), n - 1 - np.argmax(good[:, ::-1], axis=1)
    column = np.clip(np.arange(n)[None, :], first[:, None], last[:, None])
    carried = np.take_along_axis(np.where(good, mean, 1.0), column, axis=1)
    return np.where(good.any(axis=1)[:, None], np.maximum(carried, 0.05), 1.0)
