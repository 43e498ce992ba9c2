"""Structural forecast: a decaying in-stock level times the hierarchical season, with a named method per series.

Reads a panel before an origin. It is the base the boosted model corrects and the fallback where there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.features.panel import Floats, Panel
from models.features.season import season_at
from models.forecast.sampling import LEAST_WEEKS

HALF_LIVES = (6.0, 20.0)
# In-stock weeks at which a series' own level weighs as much as what its category lends it.
BORROWED_WEEKS = 2.0
POWER_SALES = 3.0
# Fewer in-stock weeks than this and the row is called borrowed: the model has learned from rows of two weeks on.
OWN_WEEKS = LEAST_WEEKS
# A series that sold nothing for this long in stock is a slow one, and the model's to judge.
SILENT_WEEKS = 13.0
# A chain younger than this has no season and no model: a shrunk mean is all there is.
YOUNG_WEEKS = 10


def structural(panel: Panel, origin: int, n_steps: int) -> Floats:
    """Expected weekly units (n_series, n_steps) of columns origin .. origin + n_steps - 1; nothing closed yet.

    level = sum .5^(age/half) y / sum .5^(age/half) S over in-stock weeks, mean of half-lives 6 and 20 weeks.
    Constant demand 10 and flat season: 10 at every step.
    """
    season = season_at(panel, origin)[panel.codes["sku"]]
    ahead = season[:, panel.weeks_of_year(origin, origin + n_steps)]
    return np.asarray(levels(panel, origin, season)[:, None] * ahead)


def levels(panel: Panel, origin: int, season: Floats) -> Floats:
    """Deseasonalised units per week (n_series,), shrunk to what similar series sell while there is little to see."""
    weight = panel.weight[:, :origin]
    seen = weight * panel.demand[:, :origin]
    shape = weight * season[:, panel.weeks_of_year(0, origin)]
    lent = _lent(panel, seen.sum(axis=1), shape.sum(axis=1))
    borrowed = np.full(panel.n_series, BORROWED_WEEKS)
    if panel.powers is not None:
        # a cell of the grid sells a few times a year: what its neighbours say weighs as three of its sales
        power = panel.powers[:, origin].astype(float)
        lent = np.where(np.isnan(power), lent, power)
        borrowed = np.where(np.isnan(power), borrowed, np.clip(POWER_SALES / np.maximum(lent, 1e-6), 2.0, 104.0))
    age = np.arange(origin, 0, -1) - 1.0
    level = np.zeros(panel.n_series)
    for half in HALF_LIVES:
        decay = 0.5 ** (age / half)
        own = seen @ decay
        base = shape @ decay
        # The decayed weeks of a series long out of stock are few, yet its own past still beats its neighbours'.
        scale = weight.sum(axis=1) / np.maximum(weight @ decay, 1e-9)
        prior = np.where(borrowed > BORROWED_WEEKS, borrowed, borrowed / np.maximum(scale, 1.0))
        level += (own + prior * lent) / np.maximum(base + prior, 1e-9) / len(HALF_LIVES)
    return level


def name_methods(panel: Panel, origin: int, model: str) -> NDArray[np.str_]:
    """Method of each series: `model`, or the fallback that stands in for it."""
    weight, demand = panel.weight[:, :origin], panel.demand[:, :origin]
    method = np.full(panel.n_series, model, dtype="U24")
    if origin < YOUNG_WEEKS:
        method[:] = "short_history_mean"
    weeks = weight.sum(axis=1)
    method[((weight * demand).sum(axis=1) == 0) & (weeks < SILENT_WEEKS)] = "no_sales_yet"
    method[weeks < OWN_WEEKS] = "borrowed_from_category"
    if panel.heirs is not None and panel.begins is not None:
        own = origin - np.minimum(panel.begins, origin)
        method[panel.heirs & (own < SILENT_WEEKS) & (weeks >= OWN_WEEKS)] = "inherited_demand"
    method[panel.discontinued < origin] = "discontinued"
    return method


def close(panel: Panel, origin: int, mean: Floats) -> Floats:
    """`mean` with nothing after the last week of sale, and nothing before the launch of what never sold."""
    column = origin + np.arange(mean.shape[1])[None, :]
    on_sale = panel.demand[:, :origin].sum(axis=1) > 0
    if panel.heirs is not None and panel.begins is not None:
        on_sale &= ~panel.heirs | (panel.begins < origin)
    launched = on_sale[:, None] | (column >= panel.launched[:, None])
    alive = launched & (column <= panel.discontinued[:, None])
    return np.where(alive, mean, 0.0)


def _lent(panel: Panel, units: Floats, weeks: Floats) -> Floats:
    """Rate that a series without a past would have: chain, then category, subcategory, sku, each shrunk upwards."""
    rate = np.full(panel.n_series, units.sum() / max(float(weeks.sum()), 1e-9))
    for name in ("category", "subcategory", "sku"):
        code = panel.codes[name]
        sold = np.bincount(code, units)[code]
        expected = np.bincount(code, weeks)[code]
        rate = (sold + 26.0 * rate) / (expected + 26.0)
    store = panel.codes["store"]
    factor = (np.bincount(store, units) + 50.0) / (np.bincount(store, weeks * rate) + 50.0)
    return np.asarray(rate * factor[store])
