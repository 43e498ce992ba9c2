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
from models.policy.columns import Flags as Flags
from models.policy.columns import take_floats as take_floats
from models.policy.columns import take_ints as take_ints
from models.policy.costs import UnitCosts, resolve_costs, shift_tau
from models.policy.order import choose_quantity, take_quantile, walk_stock
from models.policy.paths import Floats, Ints, Keys, Units, key_pair, sample_paths, seed_origin
from models.policy.protection import stretch_lengths
from models.policy.shelf_life import cap_by_shelf_life
from models.policy.terms import Terms
from models.policy.timeline import Timeline, segment_means
from models.policy.value import Ladder, build_ladder, value_units


@dataclass(frozen=True)
class Decision:
    """Arrays of n pairs; the first group is what the quantity depends on, and what a receipt keeps.

    means, inner (n, n_segments) of the timeline, before the bias. on_hand: free units, what is kept for somebody taken
    off. most: FAR_UNITS where goods keep. median_need: units short on half of the paths when nothing is ordered.
    total_*: demand from as_of until the end of the cover, without bias. saved: money. ladder: see value.py.
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
    slot_min: Ints
    most: Ints
    wanted: Ints
    quantity: Ints
    tau_need: Ints
    median_need: Ints
    total_mean: Floats
    total_p50: Floats
    total_p90: Floats
    saved: Floats
    ladder: Ladder | None


def price_pairs(pairs: pl.DataFrame, terms: Terms, carrying_rate: float, default_ratio: float) -> UnitCosts:
    """Unit costs of candidate rows (costs.py)."""
    return resolve_costs(
        take_floats(pairs, "holding_cost_per_unit_week"),
        take_floats(pairs, "shortage_cost_per_unit"),
        take_floats(pairs, "service_level"),
        take_floats(pairs, "unit_cost"),
        take_floats(pairs, "unit_price"),
        terms.review_days.astype(np.float64),
        carrying_rate=carrying_rate,
        default_ratio=default_ratio,
    )


@dataclass(frozen=True)
class Drawn:
    """Demand paths of a batch and what they were drawn from; on_hand is free units, weekly as in Forecast."""

    on_hand: Ints
    weekly: tuple[Floats, Floats, Floats]
    means: Floats
    inner: Floats
    bias: Floats
    tau: Floats
    keys: Keys
    seed: int
    demand: Units


def draw_demand(
    pairs: pl.DataFrame,
    timeline: Timeline,
    terms: Terms,
    costs: UnitCosts,
    forecast: Forecast,
    calibration: Calibration,
    seed: int,
    n_paths: int,
    is_backordered: bool,
) -> Drawn:
    """Paths over the timeline of candidate rows, the same for a pair alone as in any batch."""
    weekly, shared, inner_week = _take_forecast(pairs, forecast)
    means, inner = segment_means(weekly, inner_week, timeline.bounds)
    keys = np.array([key_pair(store, sku) for store, sku in pairs.select(PAIR).iter_rows()], dtype=np.uint64)
    # a service level is the chain's own promise: money bends neither its tau nor the forecast under it
    bias = np.where(costs.is_fixed, 1.0, calibration.bias)
    tau = shift_tau(costs.tau, calibration.tau_shift, costs.is_fixed)
    on_hand = take_ints(pairs, "on_hand_qty", 0) - take_ints(pairs, "claimed_qty", 0)
    if not is_backordered:
        on_hand = np.maximum(on_hand, 0)
    lengths = stretch_lengths(terms.lead_quantiles, terms.wait_days, terms.review_days, seed, n_paths)
    demand = sample_paths(means * bias[:, None], shared, inner, timeline.n_before, keys, seed, n_paths, lengths)
    return Drawn(on_hand, (weekly, shared, inner_week), means, inner, bias, tau, keys, seed, demand)


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
    slot_min: Ints,
    has_ladder: bool = False,
) -> Decision:
    """Quantities for candidate rows that have terms, all arrays in their order."""
    drawn = draw_demand(
        pairs, timeline, terms, costs, forecast, calibration, seed_origin(as_of), n_paths, is_backordered
    )
    on_hand, tau, keys, seed = drawn.on_hand, drawn.tau, drawn.keys, drawn.seed
    weekly, shared, inner_week = drawn.weekly
    total, total_inner = segment_means(weekly, inner_week, timeline.bounds[:, [0, -1]])
    need = walk_stock(on_hand, timeline.arriving, drawn.demand, timeline.n_before, is_backordered)
    position = on_hand + timeline.arriving.sum(axis=1)
    most = cap_by_shelf_life(
        terms, costs, position, (weekly, shared, inner_week), timeline.bounds[:, 0], keys, seed, n_paths
    )
    wanted, quantity = choose_quantity(need, tau, terms.pack, terms.moq, terms.display_min, slot_min, most)
    quantity = np.where(terms.is_closed, 0, quantity)
    ordered = np.sort(need, axis=1)
    sums = np.sort(sample_paths(total, shared, total_inner, 0, keys, seed, n_paths)[:, 0], axis=1)
    return Decision(
        on_hand=on_hand,
        timeline=timeline,
        means=drawn.means,
        inner=drawn.inner,
        shared=shared,
        bias=drawn.bias,
        tau=tau,
        terms=terms,
        costs=costs,
        seed=seed,
        n_paths=n_paths,
        slot_min=slot_min,
        most=most,
        wanted=wanted,
        quantity=quantity,
        tau_need=take_quantile(ordered, tau),
        median_need=take_quantile(ordered, np.full(len(tau), 0.5)),
        total_mean=total[:, 0],
        total_p50=spread_quantile(sums, 0.5),
        total_p90=spread_quantile(sums, calibration.p90_level),
        saved=np.maximum(value_units(need, quantity, costs, terms), 0.0),
        ladder=build_ladder(need, quantity, most, costs, terms) if has_ladder else None,
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


def _take_forecast(pairs: pl.DataFrame, forecast: Forecast) -> tuple[Floats, Floats, Floats]:
    """Weekly means and the two variances of candidate rows; a pair without forecast expects nothing."""
    row = take_ints(pairs, "forecast_row", -1)
    known = row >= 0
    weekly = np.where(known[:, None], forecast.mean[row], 0.0)
    return weekly, np.where(known, forecast.shared[row], 0.1), np.where(known, forecast.inner[row], 0.1)
