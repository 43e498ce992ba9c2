"""The policies that are replayed: the fixed-cover mean, ours (the path rule), and perfect foresight.

Each reads history before the week it orders in; only Foresight looks ahead, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from models.backtest.history import History, ReplayTerms
from models.backtest.rules import fill_lots
from models.features.panel import Panel
from models.forecast.engine import Forecast
from models.policy.costs import shift_tau
from models.policy.order import choose_quantity, walk_stock
from models.policy.paths import Floats, Ints, sample_paths, seed_origin
from models.policy.protection import stretch_lengths
from models.policy.timeline import segment_means

SEASON_LEAST_WEEKS = 53
TREND_HALF, TREND_LEAST = 26, 27
PRIOR_UNITS = 20.0


@dataclass
class FixedCover:
    """The planner's habit: order up to so many weeks of (13-week in-stock mean x season), tuned on earlier windows.

    covers: weeks beyond (or short of) lead time + review, one cell each. Worked number: lead 2 weeks, review 1,
    cover +.25, mean 4 a week: order up to 13.
    """

    covers: Sequence[float]
    _season: dict[int, Floats] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        return len(self.covers)

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        if week not in self._season:
            self._season[week] = chain_season(history.panel, week)
        season = self._season[week]
        weeks_ahead = (history.terms.cover_days / 7.0)[None, :] + np.asarray(self.covers)[:, None]
        horizon = int(np.ceil(weeks_ahead.max()))
        ahead = season[history.panel.weeks_of_year(week, week + horizon)]
        counted = np.clip(weeks_ahead[:, :, None] - np.arange(horizon), 0.0, 1.0) @ ahead
        target = deseasonalised_mean(history.panel, week, season)[None, :] * counted
        return fill_lots(target - on_hand - due.sum(axis=2), history.terms)


@dataclass
class PathRule:
    """Ours: the lost-sales path rule of models/policy, one cell per (bias, tau shift).

    forecasts: week -> (Forecast, row of every pair of the history in it, -1 where there is none).
    """

    cells: Sequence[tuple[float, float]]
    forecasts: dict[int, tuple[Forecast, Ints]]
    is_backordered: bool
    n_paths: int

    @property
    def n_cells(self) -> int:
        return len(self.cells)

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        terms = history.terms
        forecast, row = self.forecasts[week]
        known = row >= 0
        bounds, n_before = review_bounds(terms)
        weekly = np.where(known[:, None], forecast.mean[row], 0.0)
        means, inner = segment_means(weekly, np.where(known, forecast.inner[row], 0.1), bounds)
        shared = np.where(known, forecast.shared[row], 0.1)
        arriving = place_arrivals(terms, due, n_before)
        quantity = np.zeros((self.n_cells, len(row)), dtype=np.int64)
        fixed = terms.costs.is_fixed
        seed = seed_origin(history.panel.monday(week))
        wait, review = np.zeros_like(terms.review_weeks), 7 * terms.review_weeks
        lengths = stretch_lengths(terms.lead_quantiles, wait, review, seed, self.n_paths)
        numbered = sorted(enumerate(self.cells), key=lambda cell: cell[1][0])
        for bias, group in groupby(numbered, key=lambda cell: cell[1][0]):
            scaled = means * np.where(fixed, 1.0, bias)[:, None]
            demand = sample_paths(scaled, shared, inner, n_before, history.keys, seed, self.n_paths, lengths)
            for cell, (_, shift) in group:
                need = walk_stock(on_hand[cell], arriving[cell], demand, n_before, self.is_backordered)
                tau = shift_tau(terms.costs.tau, shift, fixed)
                quantity[cell] = choose_quantity(need, tau, terms.pack, terms.moq, terms.display_min)[1]
        return quantity


@dataclass
class Foresight:
    """Knows the demand to come: what perfect knowledge would cost. The floor no policy can reach."""

    is_backordered: bool

    @property
    def n_cells(self) -> int:
        return 1

    def order(self, history: History, week: int, on_hand: Ints, due: Ints) -> Ints:
        terms = history.terms
        stock, need = on_hand[0].copy(), np.zeros(on_hand.shape[1], dtype=np.int64)
        usable = 2 * terms.lead_weeks + 1
        answered = usable + 2 * terms.review_weeks
        for step in range(min(int(answered.max()) // 2 + 1, history.units.shape[1] - week)):
            early, late = history.split_week(week + step)
            receipts = due[0, :, step] if step < due.shape[2] else 0
            for part, asked, arriving in ((2 * step, early, 0), (2 * step + 1, late, receipts)):
                stock = stock + arriving
                left = stock - asked if self.is_backordered else np.maximum(stock - asked, 0)
                stock = np.where(part < usable, left, stock)
                need = need + np.where((part >= usable) & (part < answered), asked, 0)
        return np.asarray(np.maximum(need - stock, 0)[None, :])


def review_bounds(terms: ReplayTerms) -> tuple[Floats, int]:
    """Segment bounds (n, k + 2) of an order placed on a Monday, and the number of segments before it is usable.

    Cuts at each weekly arrival day up to the order's own, padded for pairs of a shorter lead time; where every order
    arrives on a Monday there is no stub before the first arrival.
    """
    first = 0 if terms.offset_days.any() else 1
    steps = np.arange(first, int(terms.lead_weeks.max(initial=0)) + 1)
    before = np.minimum(terms.offset_days[:, None] + 7.0 * steps, terms.lead_days[:, None])
    start = np.zeros((len(terms.lead_weeks), 1))
    return np.concatenate([start, before, terms.cover_days[:, None].astype(np.float64)], axis=1), len(steps)


def place_arrivals(terms: ReplayTerms, due: Ints, n_before: int) -> Ints:
    """Units at the opening of each segment of review_bounds (..., n_before + 1) from units due week by week."""
    first = 1 if terms.offset_days.any() else 0
    arriving = np.zeros((*due.shape[:-1], n_before + 1), dtype=np.int64)
    coming = min(due.shape[-1], n_before - first)
    arriving[..., first : first + coming] = due[..., :coming]
    return arriving


def deseasonalised_mean(panel: Panel, week: int, season: Floats) -> Floats:
    """Units a week at season 1 over the 13 weeks before `week`, in-stock weeks only: (n,)."""
    first = max(week - 13, 0)
    weight = panel.weight[:, first:week]
    shape = season[panel.weeks_of_year(first, week)]
    return np.asarray((weight * panel.demand[:, first:week]).sum(axis=1) / np.maximum(weight @ shape, 1e-9))


def chain_season(panel: Panel, week: int) -> Floats:
    """Ratio-to-trend index of the chain per week of the year (52,), from weeks before `week`; ones in a first year."""
    if week < SEASON_LEAST_WEEKS:
        return np.ones(52)
    weight = panel.weight[:, :week]
    level = (weight * panel.demand[:, :week]).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    units, expected = (weight * panel.demand[:, :week]).sum(axis=0), level @ weight
    ratio = units / np.maximum(expected, 1e-9)
    total = np.concatenate([[0.0], np.cumsum(ratio)])
    low, high = np.maximum(np.arange(week) - TREND_HALF, 0), np.minimum(np.arange(week) + TREND_HALF + 1, week)
    trend = (total[high] - total[low]) / (high - low)
    whole = np.flatnonzero(high - low >= TREND_LEAST)
    trend = trend[np.clip(np.arange(week), whole[0], whole[-1])]
    of_year = panel.weeks_of_year(0, week)
    sold = np.bincount(of_year, units, minlength=52)
    index = (sold + PRIOR_UNITS) / (np.bincount(of_year, expected * trend, minlength=52) + PRIOR_UNITS)
    return np.asarray(index / index.mean())
