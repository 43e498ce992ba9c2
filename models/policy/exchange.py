"""What stores may give one another, and what units that come would earn: the offers between which transfers.py chooses.

Reads demand paths, stock and terms of a batch, gives units and money. A source keeps what its own protection needs.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import polars as pl

from models.policy.columns import take_flags
from models.policy.costs import UnitCosts
from models.policy.decision import Drawn, draw_demand
from models.policy.order import choose_quantity, expected_mismatch, take_quantile, walk_stock
from models.policy.paths import Floats, Ints, Units, seed_origin
from models.policy.study import CHUNK_SAMPLES, Situation, count_paths, cut_pairs
from models.policy.terms import Terms
from models.policy.timeline import Timeline
from models.policy.transfers import Offers

MOST_UNITS = 6  # that one transfer is asked to bring
MOST_WEEKS = 52.0  # that a spare unit is taken to lie at most


def protect_units(demand: Units, arriving: Ints, tau: Floats) -> Ints:
    """Units on hand with which a pair does not run short before the end of its cover on a share tau of the paths: (n,).

    What comes counts from the day it comes, so that nothing is lent on its account. Worked number: demand 3 before 10
    arrive and 4 after, for certain: 3.
    """
    level = np.cumsum(demand - arriving[:, :, None].astype(np.int32), axis=1)
    # what arrives at a segment's opening is there for the demand of that segment
    shortfall = np.maximum(level.max(axis=1), 0)
    return np.asarray(np.maximum(take_quantile(np.sort(shortfall, axis=1), tau), 0))


def spare_units(drawn: Drawn, arriving: Ints, terms: Terms, is_shown: Ints) -> tuple[Ints, Ints]:
    """Units a pair keeps for itself, and units it can give without falling under that: two of (n,)."""
    kept = np.maximum(protect_units(drawn.demand, arriving, drawn.tau), np.maximum(terms.display_min, is_shown))
    return kept, np.maximum(drawn.on_hand - kept, 0)


def gain_units(
    drawn: Drawn, timeline: Timeline, opens: Ints, terms: Terms, costs: UnitCosts, owes: bool, weekly: Floats
) -> Floats:
    """Money that the first, second, ... unit earns which comes at segment `opens`: (n, MOST_UNITS), never rising.

    The cost of a pair is what it loses until an order can arrive and, with the best order then, over its cover. A unit
    that is not bought less lies here until it sells (`weekly` units a week, a year at most), as it would have there.
    Worked number: one unit short for certain before any order, shortage 5, 1 sold a week, holding .1: the first unit
    earns 5 less .05, the second loses .15.
    """
    n = len(opens)
    costs_with, bought = [], []
    position = drawn.on_hand + timeline.arriving.sum(axis=1)
    for units in range(MOST_UNITS + 1):
        arriving = timeline.arriving.copy()
        arriving[np.arange(n), opens] += units
        need = walk_stock(drawn.on_hand, arriving, drawn.demand, timeline.n_before, owes)
        lost = _lost_before(drawn.on_hand, arriving, drawn.demand, timeline.n_before)
        _, quantity = choose_quantity(need, drawn.tau, terms.pack, terms.moq, terms.display_min)
        bought.append(quantity)
        over, short = expected_mismatch(need, np.where(terms.is_closed, 0, quantity))
        held = costs.holding * terms.review_days / 7.0
        costs_with.append(costs.shortage * (lost + short) + held * over)
    gained = -np.diff(np.stack(costs_with, axis=1), axis=1)
    spared = np.clip(-np.diff(np.stack(bought, axis=1), axis=1), 0, 1)
    ahead = np.maximum(position, 0)[:, None] + np.arange(MOST_UNITS) + 0.5
    lies = np.minimum(ahead / np.maximum(weekly, 1e-6)[:, None], MOST_WEEKS)
    gained = gained - costs.holding[:, None] * lies * (1 - spared)
    return np.asarray(np.minimum.accumulate(gained, axis=1))


def make_offers(
    pairs: pl.DataFrame, arrivals: pl.DataFrame, terms: Terms, costs: UnitCosts, situation: Situation, days: int
) -> tuple[Offers, Ints]:
    """Offers of candidate rows, and the units each keeps (n,). A unit sent now is usable `days` later."""
    sent = pairs.select("store_code", "sku", pl.lit(situation.as_of).dt.offset_by(f"{days}d").alias("expected_on"))
    # a day on which nothing comes cuts the timeline, so that a unit can be tried there
    known = arrivals.select("store_code", "sku", "expected_on", pl.col("quantity").cast(pl.Int64))
    tried = pl.concat([known, sent.with_columns(quantity=pl.lit(0, pl.Int64))])
    own, cut = (cut_pairs(pairs, coming, terms, situation.as_of) for coming in (arrivals, tried))
    rate = _weekly_rate(pairs, situation)
    n_paths = situation.n_paths or count_paths(pairs.height)
    size = max(1, CHUNK_SAMPLES // (n_paths * cut.arriving.shape[1]))
    kept, spare, gain = [], [], []
    for begin in range(0, pairs.height, size):
        chosen = slice(begin, begin + size)
        part, few = pairs.slice(begin, size), terms.rows(chosen)
        money = UnitCosts(**{each.name: getattr(costs, each.name)[chosen] for each in fields(UnitCosts)})
        drawn, tested = (_draw(part, line.rows(chosen), few, money, situation, n_paths) for line in (own, cut))
        is_shown = part["kind"].is_in(["frame", "sunglass"]).fill_null(value=False).to_numpy() & ~few.is_closed
        keeps, free = spare_units(drawn, own.arriving[chosen], few, is_shown.astype(np.int64))
        stays = take_flags(part, "is_transfer_excluded")
        kept.append(keeps)
        spare.append(np.where(stays, 0, free))
        line = cut.rows(chosen)
        opens = (line.bounds[:, :-1] <= situation.as_of.weekday() + days).sum(axis=1) - 1
        earned = gain_units(tested, line, opens, few, money, situation.is_backordered, rate[chosen])
        gain.append(np.where((stays | few.is_closed)[:, None], 0.0, earned))
    given = np.concatenate(spare)
    weeks = np.minimum((pairs["on_hand_qty"].to_numpy() - given / 2) / np.maximum(rate, 1e-6), MOST_WEEKS)
    offers = Offers(
        sku=pairs["sku"].rank("dense").to_numpy().astype(np.int64),
        store=pairs["store_code"].rank("dense").to_numpy().astype(np.int64),
        spare=given,
        relief=costs.holding * np.maximum(weeks, 0.0),
        gain=np.concatenate(gain),
    )
    return offers, np.concatenate(kept)


def _draw(
    part: pl.DataFrame, line: Timeline, terms: Terms, costs: UnitCosts, situation: Situation, n_paths: int
) -> Drawn:
    seed, owes = seed_origin(situation.as_of), situation.is_backordered
    return draw_demand(part, line, terms, costs, situation.forecast, situation.calibration, seed, n_paths, owes)


def _lost_before(on_hand: Ints, arriving: Ints, demand: Units, n_before: int) -> Floats:
    """Mean units asked for and not there until an order can arrive: (n,)."""
    stock = np.repeat(on_hand.astype(np.int32)[:, None], demand.shape[2], axis=1)
    lost = np.zeros(len(on_hand))
    for segment in range(n_before):
        stock = np.maximum(stock, 0) + arriving[:, segment, None].astype(np.int32) - demand[:, segment]
        lost += np.maximum(-stock, 0).mean(axis=1)
    return lost


def _weekly_rate(pairs: pl.DataFrame, situation: Situation) -> Floats:
    row = pairs["forecast_row"].fill_null(0).to_numpy().astype(np.int64)
    return np.asarray(situation.forecast.mean[row].mean(axis=1))
