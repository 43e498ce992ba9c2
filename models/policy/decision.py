"""Decisions for a batch of pairs as arrays: what to order, what it rests on, what it saves.

Reads candidate rows, their timeline and the forecast. Frames and receipts are made from it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.forecast.engine import Forecast
from models.policy.calibration import Calibration
from models.policy.candidates import PAIR
from models.policy.costs import UnitCosts, resolve_costs, shift_tau
from models.policy.order import choose_quantity, expected_mismatch, take_quantile, walk_stock
from models.policy.paths import Floats, Ints, Units, key_pair, sample_paths, seed_origin
from models.policy.timeline import Timeline, segment_means

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Terms:
    """Whole-number supply terms of n pairs, missing ones filled: days, units."""

    lead_days: Ints
    review_days: Ints
    pack: Ints
    moq: Ints
    display_min: Ints
    stretch: Floats
    is_closed: Flags


@dataclass(frozen=True)
class Decision:
    """Arrays of n pairs; the first group is what the quantity depends on, and what a receipt keeps.

    means, inner (n, n_segments) of the timeline, before the bias. median_need: units short on half of the paths when
    nothing is ordered. total_*: demand from as_of until the end of the cover, without bias. saved: money.
    """

    on_hand: Ints
    timeline: Timeline
    means: Floats
    inner: Floats
    shared: Floats
    bias: Floats
    tau: Floats
    terms: Terms
    costs: UnitCosts
    seed: int
    n_paths: int
    wanted: Ints
    quantity: Ints
    tau_need: Ints
    median_need: Ints
    total_mean: Floats
    total_p50: Floats
    total_p90: Floats
    saved: Floats


def read_terms(pairs: pl.DataFrame, as_of: date) -> Terms:
    """Terms of candidate rows; a pair is closed if it is discontinued before an order placed at as_of could be used."""
    lead = np.maximum(take_ints(pairs, "lead_time_days", 0), 0)
    review = np.maximum(take_ints(pairs, "review_period_days", 7), 1)
    sold_until = (pairs["discontinued_on"] - as_of).dt.total_days().fill_null(10**6).to_numpy()
    return Terms(
        lead_days=lead,
        review_days=review,
        pack=np.maximum(take_ints(pairs, "pack_size", 1), 1),
        moq=np.maximum(take_ints(pairs, "moq", 1), 1),
        display_min=np.maximum(take_ints(pairs, "display_min", 0), 0),
        stretch=np.nan_to_num(take_floats(pairs, "lead_time_sd_days")) / review,
        is_closed=sold_until <= lead,
    )


def price_pairs(pairs: pl.DataFrame, carrying_rate: float, default_ratio: float) -> UnitCosts:
    """Unit costs of candidate rows (costs.py)."""
    return resolve_costs(
        take_floats(pairs, "holding_cost_per_unit_week"),
        take_floats(pairs, "shortage_cost_per_unit"),
        take_floats(pairs, "service_level"),
        take_floats(pairs, "unit_cost"),
        take_floats(pairs, "unit_price"),
        np.maximum(take_floats(pairs, "review_period_days"), 1.0),
        carrying_rate=carrying_rate,
        default_ratio=default_ratio,
    )


def decide_orders(
    pairs: pl.DataFrame,
    timeline: Timeline,
    terms: Terms,
    costs: UnitCosts,
    forecast: Forecast,
    calibration: Calibration,
    as_of: date,
    is_backordered: bool,
    n_paths: int,
) -> Decision:
    """Quantities for candidate rows that have terms, all arrays in their order."""
    weekly, shared, inner_week = _take_forecast(pairs, forecast)
    means, inner = segment_means(weekly, inner_week, timeline.bounds)
    total, total_inner = segment_means(weekly, inner_week, timeline.bounds[:, [0, -1]])
    keys = np.array([key_pair(store, sku) for store, sku in pairs.select(PAIR).iter_rows()], dtype=np.uint64)
    seed = seed_origin(as_of)
    # a service level is the chain's own promise: money bends neither its tau nor the forecast under it
    bias = np.where(costs.is_fixed, 1.0, calibration.bias)
    tau = shift_tau(costs.tau, calibration.tau_shift, costs.is_fixed)
    on_hand = take_ints(pairs, "on_hand_qty", 0)
    if not is_backordered:
        on_hand = np.maximum(on_hand, 0)
    demand = sample_paths(means * bias[:, None], shared, inner, timeline.n_before, keys, seed, n_paths, terms.stretch)
    need = walk_stock(on_hand, timeline.arriving, demand, timeline.n_before, is_backordered)
    wanted, quantity = choose_quantity(need, tau, terms.pack, terms.moq, terms.display_min)
    quantity = np.where(terms.is_closed, 0, quantity)
    ordered = np.sort(need, axis=1)
    sums = np.sort(sample_paths(total, shared, total_inner, 0, keys, seed, n_paths)[:, 0], axis=1)
    return Decision(
        on_hand=on_hand,
        timeline=timeline,
        means=means,
        inner=inner,
        shared=shared,
        bias=bias,
        tau=tau,
        terms=terms,
        costs=costs,
        seed=seed,
        n_paths=n_paths,
        wanted=wanted,
        quantity=quantity,
        tau_need=take_quantile(ordered, tau),
        median_need=take_quantile(ordered, np.full(len(tau), 0.5)),
        total_mean=total[:, 0],
        total_p50=spread_quantile(sums, 0.5),
        total_p90=spread_quantile(sums, calibration.p90_level),
        saved=_value_order(need, quantity, costs, terms),
    )


def spread_quantile(ordered: Units, level: float) -> Floats:
    """Quantile of ascending count samples (n, n_paths), each count spread evenly over its unit: (n,), >= 0.

    A whole-number quantile covers too much where counts are small; this one is covered as often as it says.
    Worked number: P(0) = .6, P(1) = .4: the .9 quantile is 1 - .5 + (.9 - .6) / .4 = 1.25, the median
    0 - .5 + .5 / .6 = .33.
    """
    n_paths = ordered.shape[1]
    count = take_quantile(ordered, np.full(len(ordered), level))
    below = (ordered < count[:, None]).sum(axis=1) / n_paths
    upto = (ordered <= count[:, None]).sum(axis=1) / n_paths
    return np.asarray(np.maximum(count - 0.5 + (level - below) / (upto - below), 0.0))


def take_floats(frame: pl.DataFrame, name: str) -> Floats:
    """Column as float64, null as NaN."""
    return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)


def take_ints(frame: pl.DataFrame, name: str, default: int) -> Ints:
    """Column as int64, null as `default`."""
    return frame[name].cast(pl.Int64).fill_null(default).to_numpy().astype(np.int64)


def _value_order(need: Units, quantity: Ints, costs: UnitCosts, terms: Terms) -> Floats:
    """Expected money saved by the order against ordering nothing now, over its cover; never below 0."""
    held = costs.holding * terms.review_days / 7.0
    over, short = expected_mismatch(need, quantity)
    idle_over, idle_short = expected_mismatch(need, np.zeros_like(quantity))
    saved = held * (idle_over - over) + costs.shortage * (idle_short - short)
    return np.asarray(np.maximum(saved, 0.0))


def _take_forecast(pairs: pl.DataFrame, forecast: Forecast) -> tuple[Floats, Floats, Floats]:
    """Weekly means and the two variances of candidate rows; a pair without forecast expects nothing."""
    row = take_ints(pairs, "forecast_row", -1)
    known = row >= 0
    weekly = np.where(known[:, None], forecast.mean[row], 0.0)
    return weekly, np.where(known, forecast.shared[row], 0.1), np.where(known, forecast.inner[row], 0.1)
