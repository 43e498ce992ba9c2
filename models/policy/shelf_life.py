"""Goods that expire: no more is ordered than sells before its day.

Reads terms, costs and the forecast of a batch, gives the most units each pair may order.
"""

from __future__ import annotations

import numpy as np

from models.policy.costs import UnitCosts
from models.policy.order import take_quantile
from models.policy.paths import Floats, Ints, Keys, sample_paths
from models.policy.terms import FAR_DAYS, Terms
from models.policy.timeline import segment_means

FAR_UNITS = 2**31 - 1
EVEN_LEVEL = 0.5  # where no cost says what an expired unit loses


def cap_by_shelf_life(
    terms: Terms,
    costs: UnitCosts,
    position: Ints,
    weekly: tuple[Floats, Floats, Floats],
    start: Floats,
    keys: Keys,
    seed: int,
    n_paths: int,
) -> Ints:
    """The most units to order, (n,), FAR_UNITS where goods keep.

    A unit ordered is the last to be sold (first in, first out): it expires if demand from as_of until lead time and
    shelf life have passed stays under `position`, what is there and coming, and the order. It costs its price then, and
    earns a shortage's cost if it sells, so the cap is demand's quantile at shortage / (shortage + unit cost), less the
    position. Worked number: shortage 1, unit cost 1, demand of the shelf life 8 on the median, position 3: 5.
    """
    most = np.full(len(position), FAR_UNITS, dtype=np.int64)
    rows = np.flatnonzero(terms.shelf_life_days < FAR_DAYS)
    if not len(rows):
        return most
    until = terms.lead_days[rows] + terms.shelf_life_days[rows]
    bounds = np.stack([start[rows], start[rows] + until], axis=1)
    means, inner = segment_means(weekly[0][rows], weekly[2][rows], bounds)
    demand = np.sort(sample_paths(means, weekly[1][rows], inner, 0, keys[rows], seed, n_paths)[:, 0], axis=1)
    cost, short = terms.unit_cost[rows], costs.shortage[rows]
    known = ~np.isnan(cost) & (cost > 0)
    level = np.where(known, short / np.maximum(short + np.where(known, cost, 0.0), 1e-9), EVEN_LEVEL)
    most[rows] = np.maximum(take_quantile(demand, level) - np.maximum(position[rows], 0), 0)
    return most
