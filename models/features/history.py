"""Running sums of a panel, so that any window mean, decayed level or group total at any origin is one gather.

Reads a panel. Every array has a leading column of zeros: entry t holds what was known before week t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.festivals import Festivals, measure_lifts
from models.features.known import NOTHING, Known
from models.features.panel import Floats, Ints, Panel
from models.features.prices import weekly_prices
from models.features.renewals import Renewals, index_renewals

GROUPS = ("sku", "store_category", "store_subcategory", "category", "subcategory", "chain")
FAST, SLOW = 0.6, 0.85


@dataclass(frozen=True)
class History:
    """Running totals; (n, n_weeks + 1) each, n series or groups.

    units, weeks, squares, zeros: of in-stock weeks, weighted by in-stock share. decayed: rate a week -> the same for
    units and weeks, fading by that rate. last_sale: column of the latest week with a sale, -1 if none. first: (n,)
    first observed column; may lie after an origin, so it is clipped where it is used.
    group_units, group_weeks: grouping name -> totals per code. festivals, prices, renewals: where told.
    """

    panel: Panel
    units: Floats
    weeks: Floats
    squares: Floats
    zeros: Floats
    decayed: dict[float, tuple[Floats, Floats]]
    last_sale: NDArray[np.int32]
    first: Ints
    group_units: dict[str, Floats]
    group_weeks: dict[str, Floats]
    festivals: Festivals | None = None
    prices: NDArray[np.float32] | None = None
    renewals: Renewals | None = None


def build_history(panel: Panel, known: Known = NOTHING) -> History:
    """Running totals of every series and group of `panel`, and what is known ahead of its weeks."""
    weight = panel.weight
    units = weight * panel.demand
    columns = np.arange(panel.n_weeks, dtype=np.int32)
    sold = np.where(units > 0, columns[None, :], -1)
    last = np.full((panel.n_series, panel.n_weeks + 1), -1, dtype=np.int32)
    if panel.n_weeks:
        last[:, 1:] = np.maximum.accumulate(sold, axis=1)
    seen = weight > 0
    first = np.where(seen.any(axis=1), np.argmax(seen, axis=1) if panel.n_weeks else 0, panel.n_weeks)
    group_units = {name: _running(sum_by(panel.codes[name], units)) for name in GROUPS}
    group_weeks = {name: _running(sum_by(panel.codes[name], weight)) for name in GROUPS}
    return History(
        panel=panel,
        units=_running(units),
        weeks=_running(weight),
        squares=_running(units * panel.demand),
        zeros=_running(weight * (panel.demand == 0)),
        decayed={rate: (_decay(units, rate), _decay(weight, rate)) for rate in (FAST, SLOW)},
        last_sale=last,
        first=first.astype(np.int64),
        group_units=group_units,
        group_weeks=group_weeks,
        festivals=measure_lifts(panel, known.festivals, group_units, group_weeks),
        prices=weekly_prices(panel, known.prices),
        renewals=index_renewals(panel, known.renewals),
    )


def sum_by(codes: Ints, values: Floats) -> Floats:
    """Rows of `values` added up by code: (n_codes, n_columns)."""
    from scipy import sparse

    n = len(codes)
    member = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), shape=(int(codes.max(initial=-1)) + 1, n))
    return np.asarray(member @ values)


def _running(values: Floats) -> Floats:
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def _decay(values: Floats, rate: float) -> Floats:
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    for column in range(values.shape[1]):
        out[:, column + 1] = rate * out[:, column] + values[:, column]
    return out
