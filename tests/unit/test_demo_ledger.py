"""Every unit of the demo chain is accounted for: what the history's rows say adds up to the book of each day."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ims.demo.days import Ints
from ims.demo.history import History
from ims.demo.parameters import read_profile
from ims.demo.reactions import ELSEWHERE, LOST, MADE_TO_ORDER, SPECIAL_ORDER, SUBSTITUTED
from ims.demo.supply import SPECIAL
from ims.demo.transfers import FROM_CLOSING
from ims.demo.world import World, draw_world, live


@pytest.fixture(scope="module")
def world() -> World:
    """Three stores of which one opens, one closes and sends all it has to a warehouse."""
    profile = read_profile("ci")
    changes = {"warehouse": True, "closes_mid_history": 1}
    return draw_world(type(profile)(**{**vars(profile), **changes}), seed=3)


@pytest.fixture(scope="module")
def history(world: World) -> History:
    return live(world, statement_days=list(range(world.total_days)))


def spread(rows: pl.DataFrame, day: str, pair: str, quantity: str, world: World) -> Ints:
    """(day x pair) sums of a column of rows."""
    inside = rows.filter(pl.col(day).is_between(0, world.total_days - 1))
    out = np.zeros((world.total_days, len(world.pairs.sku)), dtype=np.int64)
    np.add.at(out, (inside[day].to_numpy(), inside[pair].to_numpy()), inside[quantity].to_numpy())
    return out


def test_the_moves_of_each_day_lead_from_one_book_to_the_next(world: World, history: History) -> None:
    bought = history.purchases.filter(pl.col("kind") != SPECIAL)
    bought = bought.with_columns(accepted=pl.col("received") - pl.col("rejected"))
    found = history.counts.with_columns(missing=pl.col("expected") - pl.col("counted"))
    moved = (
        spread(bought, "arrival_day", "pair", "accepted", world)
        + spread(history.transfers, "arrival_day", "target", "received", world)
        + spread(history.returns, "day", "pair", "good", world)
        - spread(history.transfers, "day", "source", "shipped", world)
        - spread(history.expiries, "day", "pair", "quantity", world)
        - spread(found, "day", "pair", "missing", world)
        - history.sales
    )
    book = np.stack([history.on_hand[day] for day in range(world.total_days + 1)])
    assert (book[1:] == book[:-1] + moved).all()
    assert (book >= 0).all()


def test_the_book_is_ahead_of_the_shelf_by_what_no_count_has_found_yet(world: World, history: History) -> None:
    arrived = history.purchases.filter(pl.col("kind") != SPECIAL).with_columns(
        accepted=pl.col("received") - pl.col("rejected")
    )
    morning = (
        spread(arrived, "arrival_day", "pair", "accepted", world)
        + spread(history.transfers, "arrival_day", "target", "received", world)
        + spread(history.returns, "day", "pair", "good", world)
        - spread(history.transfers, "day", "source", "shipped", world)
        - spread(history.expiries, "day", "pair", "quantity", world)
    )
    book = np.stack([history.on_hand[day] for day in range(world.total_days)])
    missing = book + morning - history.available
    assert (missing >= 0).all()
    lost = spread(history.shrinkage, "day", "pair", "quantity", world)
    assert lost.sum() > 0
    assert 0 <= missing.sum(axis=1).max() <= lost.sum()


def test_unmet_demand_is_what_the_own_shelf_could_not_serve(world: World, history: History) -> None:
    unmet = spread(history.unmet, "day", "pair", "quantity", world)
    taken = spread(history.unmet.filter(pl.col("other") >= 0), "day", "other", "quantity", world)
    own = np.minimum(history.demand, history.available)
    assert (unmet == history.demand - own).all()
    assert (history.sales == own + taken).all()
    assert (history.sales <= history.available).all()


def test_customers_take_only_what_can_take_the_place_of_what_they_wanted(world: World, history: History) -> None:
    pairs, rows = world.pairs, history.unmet
    wanted, other = rows["pair"].to_numpy(), rows["other"].to_numpy()
    outcome = rows["outcome"].to_numpy()
    took = outcome == SUBSTITUTED
    assert took.any()
    assert (pairs.group[wanted[took]] == pairs.group[other[took]]).all()
    went = outcome == ELSEWHERE
    assert went.any()
    assert (pairs.sku[wanted[went]] == pairs.sku[other[went]]).all()
    assert (pairs.store[wanted[went]] != pairs.store[other[went]]).all()
    assert (other[np.isin(outcome, (LOST, SPECIAL_ORDER, MADE_TO_ORDER))] == -1).all()
    ordered = rows.filter(pl.col("outcome") == SPECIAL_ORDER)
    assert (ordered["arrives_day"] > ordered["day"]).all()
    lines = history.purchases.filter(pl.col("kind") == SPECIAL, pl.col("day") >= 0)
    assert lines["quantity"].sum() >= ordered["quantity"].sum()


def test_an_order_is_one_store_one_vendor_one_day(world: World, history: History) -> None:
    lines = history.purchases.with_columns(store=pl.Series(world.pairs.store).gather(history.purchases["pair"]))
    per_order = lines.group_by("order").agg(
        pl.col("store", "vendor", "kind", "day").n_unique(), pair_lines=pl.len(), pairs=pl.col("pair").n_unique()
    )
    assert per_order.select("store", "vendor", "kind", "day").max().row(0) == (1, 1, 1, 1)
    assert (per_order["pair_lines"] == per_order["pairs"]).all()
    assert (lines["received"] <= lines["quantity"]).all()
    assert (lines["rejected"] <= lines["received"]).all()
    assert (lines.filter(pl.col("kind") != 1)["arrival_day"] > lines.filter(pl.col("kind") != 1)["day"]).all()


def test_a_closing_store_sends_all_it_has_to_the_warehouse(world: World, history: History) -> None:
    sent = history.transfers.filter(pl.col("kind") == FROM_CLOSING)
    closed_on = int(world.stores.close_day[world.stores.close_day < world.total_days][0])
    assert sent["day"].unique().to_list() == [closed_on]
    gone = world.pairs.close_day == closed_on
    assert history.on_hand[closed_on][gone].sum() > 0
    assert all(history.on_hand[day][gone].sum() == 0 for day in range(closed_on + 1, world.total_days))
    assert (~world.pairs.is_shop[sent["target"].to_numpy()]).all()
    assert (sent["shipped"] == sent["received"] + sent["damaged"] + sent["lost"]).all()


def test_returns_have_a_state_each(history: History) -> None:
    back = history.returns
    assert (back["quantity"] == back["good"] + back["opened"] + back["damaged"]).all()
    assert (back["day"] > back["sold_day"]).all()


def test_a_longer_run_begins_with_the_same_history(world: World, history: History) -> None:
    longer = draw_world(world.profile, world.seed, then_weeks=2)
    later = live(longer)
    assert (later.sales[: world.total_days] == history.sales).all()
    assert (later.on_hand[world.days] == history.on_hand[world.days]).all()
    for name in ("purchases", "transfers", "counts", "shrinkage"):
        before, after = getattr(history, name), getattr(later, name)
        assert after.filter(pl.col("day") < world.total_days).equals(before), name
