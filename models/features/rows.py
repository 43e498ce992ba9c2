"""Model rows: what was known of a series before an origin, and what is known of the week to be forecast.

Reads a history, gives float32 matrices in which counts are divided by the series' level. No look-ahead: entry (i, t)
uses columns before t only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.features.history import FAST, SLOW, History
from models.features.panel import Floats, Ints

Matrix = NDArray[np.float32]

MEANS = (4, 8, 13, 26, 52)
TRENDS = ((1, 13), (4, 13), (13, 26))
TREND_GROUPS = ("sku", "store_subcategory", "store_category", "subcategory", "category", "chain")
LAST_YEAR_GROUPS = ("sku", "store_subcategory", "subcategory", "category", "chain")
CODES = ("store", "category", "subcategory", "cluster", "region")
LEAST_LEVEL = 0.02


def series_levels(history: History, i: Ints, t: Ints) -> Floats:
    """Level L = (sum .85^age y + m52) / (sum .85^age + 1) over in-stock weeks before t; at least .02."""
    units, weeks = (array[i, t] for array in history.decayed[SLOW])
    mean = np.nan_to_num(_mean(history.units, history.weeks, i, t, 52))
    return np.asarray(np.maximum((units + mean) / (weeks + 1.0), LEAST_LEVEL))


def origin_rows(history: History, i: Ints, t: Ints) -> tuple[Matrix, list[str]]:
    """Features of series `i` seen from origins `t` (equal lengths), and their names."""
    panel = history.panel
    level = series_levels(history, i, t)
    out: dict[str, Floats] = {"log_level": np.log(level)}
    for lag in (1, 2, 3, 4):
        column = np.maximum(t - lag, 0)
        known = (t >= lag) & (panel.weight[i, column] > 0)
        out[f"lag_{lag}"] = np.where(known, panel.demand[i, column] / level, np.nan)
    for window in MEANS:
        out[f"mean_{window}"] = _mean(history.units, history.weeks, i, t, window) / level
    units, weeks = (array[i, t] for array in history.decayed[FAST])
    out["ewm_fast"] = _ratio(units, weeks) / level
    for window in (8, 26):
        mean = _mean(history.units, history.weeks, i, t, window)
        square = _mean(history.squares, history.weeks, i, t, window)
        variance = np.maximum(square - mean**2, 0.0)
        out[f"cv_{window}"] = np.sqrt(variance) / level
        out[f"zeros_{window}"] = _mean(history.zeros, history.weeks, i, t, window)
        if window == 26:
            out["overdispersion"] = np.log((variance + 0.1) / (mean + 0.1))
    out["in_stock_13"] = (history.weeks[i, t] - history.weeks[i, np.maximum(t - 13, 0)]) / np.clip(t, 1, 13)
    last = history.last_sale[i, t]
    out["since_sale"] = np.where(last >= 0, t - last, 99.0)
    # a series that begins after the origin has no age yet; its later begin must not show
    out["age"] = np.clip(t - history.first[i], 0, 104).astype(float)
    for name in TREND_GROUPS:
        code = panel.codes[name][i]
        for short, long in TRENDS:
            recent = _mean(history.group_units[name], history.group_weeks[name], code, t, short)
            before = _mean(history.group_units[name], history.group_weeks[name], code, t, long)
            out[f"trend_{name}_{short}_{long}"] = np.log((recent + 0.02) / (before + 0.02))
    sku = _mean(history.group_units["sku"], history.group_weeks["sku"], panel.codes["sku"][i], t, 13)
    out["sku_level"] = np.log(sku + 0.02)
    out["store_share"] = np.log(level / (sku + 0.02))
    for name in CODES:
        out[name] = panel.codes[name][i].astype(float)
    powers = history.panel.powers
    if powers is not None:
        out["power"] = np.log(powers[i, t])
        out["power_over_level"] = np.log(powers[i, t] / level)
    quantiles, names = _quantiles(history, i, t, level)
    matrix = np.column_stack([*out.values()]).astype(np.float32)
    return np.hstack([matrix, quantiles]), [*out, *names]


def step_rows(history: History, i: Ints, t: Ints, h: Ints) -> tuple[Matrix, list[str]]:
    """Features of the week `t + h - 1` (h = 1 is the week of the origin) that were known before `t`."""
    panel = history.panel
    target = t + h - 1
    first, last = int(target.min(initial=0)), int(target.max(initial=0))
    mondays = [panel.monday(column) for column in range(first, last + 1)]
    week = np.array([min(day.isocalendar().week, 52) for day in mondays], dtype=float)
    day = np.array([day.day for day in mondays], dtype=float)
    out: dict[str, Floats] = {
        "step": h.astype(float),
        "week_of_year": week[target - first],
        "day_of_month": day[target - first],
    }
    for name in LAST_YEAR_GROUPS:
        code = panel.codes[name][i]
        units, weeks = history.group_units[name], history.group_weeks[name]
        then = _window(units, weeks, code, target - 53, target - 50)
        before = _window(units, weeks, code, t - 60, t - 52)
        out[f"last_year_{name}"] = np.log((then + 0.02) / (before + 0.02))
        quarter = _window(units, weeks, code, t - 65, t - 52)
        out[f"last_year_quarter_{name}"] = np.log((then + 0.02) / (quarter + 0.02))
        # two years averaged say more than one, and one is all that younger rows have
        earlier = _window(units, weeks, code, target - 105, target - 102)
        start = _window(units, weeks, code, t - 112, t - 104)
        both = np.isfinite(earlier) & np.isfinite(start)
        ends, starts = then + np.where(both, earlier, 0.0), before + np.where(both, start, 0.0)
        out[f"two_years_{name}"] = np.log((ends + 0.02) / (starts + 0.02))
    own = _window(history.units, history.weeks, i, target - 54, target - 49)
    year_ago = _window(history.units, history.weeks, i, t - 65, t - 52)
    out["last_year_own"] = np.log((own + 0.1) / (year_ago + 0.1))
    out |= _known_ahead(history, i, t, target)
    return np.column_stack([*out.values()]).astype(np.float32), [*out]


def _known_ahead(history: History, i: Ints, t: Ints, target: Ints) -> dict[str, Floats]:
    """What a chain tells of weeks to come: none of it, no feature."""
    out: dict[str, Floats] = {}
    festivals = history.festivals
    if festivals is not None:
        out["festival_lead"] = festivals.lead[target]
        for name, lifts in festivals.lifts.items():
            code = history.panel.codes[name][i]
            out[f"festival_{name}"] = lifts[code, target]
            # how much of the level that the week before the origin shows is a festival's
            out[f"festival_now_{name}"] = lifts[code, np.maximum(t - 1, 0)]
    if history.prices is not None:
        ahead = history.prices[i, target]
        for weeks in (1, 13):
            out[f"price_{weeks}"] = np.asarray(ahead - history.prices[i, np.maximum(t - weeks, 0)], dtype=float)
        out["price"] = ahead.astype(float)
    renewals = history.renewals
    if renewals is not None:
        due = renewals.around(i, target, t)
        quarter = sum(renewals.due(i, t - back, t) for back in range(1, 14)) / 13.0
        is_worn = renewals.sold[i]
        out["due"] = np.where(is_worn, np.log((due + 0.05) / (series_levels(history, i, t) + 0.05)), np.nan)
        out["due_trend"] = np.where(is_worn, np.log((due + 0.1) / (quarter + 0.1)), np.nan)
    return out


def _quantiles(history: History, i: Ints, t: Ints, level: Floats) -> tuple[Matrix, list[str]]:
    """Quantiles of the last 26 weeks, out-of-stock weeks taken out, over the level."""
    panel = history.panel
    columns = t[:, None] - np.arange(1, 27)[None, :]
    known = columns >= 0
    columns = np.maximum(columns, 0)
    known &= panel.weight[i[:, None], columns] > 0
    values = np.where(known, panel.demand[i[:, None], columns], np.inf).astype(np.float32)
    values.sort(axis=1)
    count = known.sum(axis=1)
    names, picked = [], []
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        at = np.clip(np.round(share * (count - 1)), 0, 25).astype(np.int64)
        chosen = values[np.arange(len(i)), at] / level
        picked.append(np.where(count > 0, chosen, np.nan))
        names.append(f"quantile_{share}")
    return np.column_stack(picked).astype(np.float32), names


def _mean(units: Floats, weeks: Floats, i: Ints, t: Ints, window: int) -> Floats:
    return _window(units, weeks, i, np.maximum(t - window, 0), t)


def _window(units: Floats, weeks: Floats, i: Ints, first: Ints, end: Ints) -> Floats:
    """Mean units per in-stock week over columns first..end-1; nan when the window begins before column 0."""
    low, high = np.maximum(first, 0), np.maximum(end, 0)
    mean = _ratio(units[i, high] - units[i, low], weeks[i, high] - weeks[i, low])
    return np.where(first >= 0, mean, np.nan)


def _ratio(units: Floats, weeks: Floats) -> Floats:
    return np.where(weeks > 1e-6, units / np.maximum(weeks, 1e-6), np.nan)
