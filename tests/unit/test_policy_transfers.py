"""Transfers: the best moves by hand, whole units, a protected source, buys that cover only the rest."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecast.engine import Forecast
from models.policy.exchange import protect_units
from models.policy.moving import TRANSFER_SCHEMA, TransferTerms, apply_transfers, plan_transfers
from models.policy.plan import plan_orders
from models.policy.receipt import replay_receipt
from models.policy.transfers import Offers, choose_moves

MONDAY = date(2024, 4, 15)
TERMS = TransferTerms(days=2, unit_cost=0.5, least_worth=1.0)


def offers(spare: list[int], gain: list[list[float]], relief: float = 0.0) -> Offers:
    n = len(spare)
    return Offers(
        np.zeros(n, dtype=np.int64), np.arange(n), np.array(spare), np.full(n, relief), np.array(gain, dtype=np.float64)
    )


def test_units_go_where_they_earn_most() -> None:
    moves = choose_moves(offers([3, 0, 0], [[0, 0, 0], [10, 6, 0.5], [7, 0, 0]], relief=1.0), 2.0, 0.0)
    assert moves.rows() == [(0, 1, 2, 14.0), (0, 2, 1, 6.0)]


def test_a_parcel_that_is_not_worth_its_journey_is_given_up_and_its_units_go_elsewhere() -> None:
    moves = choose_moves(offers([2, 0, 0], [[0, 0, 0], [10, 1, 0], [6, 0, 0]]), 0.0, 7.0)
    assert moves.rows() == [(0, 1, 2, 11.0)]


def test_nothing_moves_within_a_store_or_for_less_than_it_costs() -> None:
    inside = Offers(
        np.zeros(2, np.int64), np.zeros(2, np.int64), np.array([5, 0]), np.zeros(2), np.array([[0.0], [9.0]])
    )
    assert choose_moves(inside, 0.0, 0.0).is_empty()
    assert choose_moves(offers([5, 0], [[0.0], [9.0]]), 10.0, 0.0).is_empty()


@given(st.data())
@settings(max_examples=40)
def test_moves_are_whole_and_no_source_gives_more_than_it_spares(data: st.DataObject) -> None:
    n, seed = data.draw(st.integers(2, 12)), data.draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    gain = np.sort(random.gamma(1.0, 5.0, (n, 4)), axis=1)[:, ::-1]
    some = Offers(random.integers(0, 3, n), np.arange(n), random.integers(0, 5, n), random.gamma(1.0, 1.0, n), gain)
    least = float(random.choice([0.0, 8.0]))
    moves = choose_moves(some, 1.0, least)
    given_away = np.bincount(moves["source"].to_numpy(), moves["quantity"].to_numpy(), minlength=n)
    assert (given_away <= some.spare).all()
    assert moves["row"].is_unique().all()
    assert (moves["benefit"] > 0).all()
    assert (moves["quantity"] > 0).all()
    assert (some.sku[moves["source"].to_numpy()] == some.sku[moves["row"].to_numpy()]).all()


def test_protection_counts_arrivals_from_their_day() -> None:
    demand = np.array([[[3], [4]]], dtype=np.int32)
    assert protect_units(demand, np.array([[0, 10]]), np.array([0.9])).tolist() == [3]
    assert protect_units(demand, np.array([[0, 0]]), np.array([0.9])).tolist() == [7]


def build_world(seed: int, n_stores: int = 4, n_skus: int = 6) -> tuple[dict[str, pl.DataFrame], Forecast]:
    random = np.random.default_rng(seed)
    n = n_stores * n_skus
    pairs = pl.DataFrame(
        {"store_code": [f"S{i // n_skus}" for i in range(n)], "sku": [f"P{i % n_skus}" for i in range(n)]}
    )
    mean = random.gamma(0.7, 3.0, (n, 1)) * np.ones((1, 10))
    forecast = Forecast(
        MONDAY, pairs, mean, np.full(n, 0.2), np.full(n, 0.1), None, np.array(["structural"] * n, dtype="U24")
    )
    stock = random.integers(0, 4, n) * random.integers(0, 12, n)
    frames = {
        "demand": pl.DataFrame(
            schema={
                "store_code": pl.String, "sku": pl.String, "week_starting_on": pl.Date, "demand_qty": pl.Float64,
                "in_stock_share": pl.Float64, "is_complete": pl.Boolean,
            }
        ),
        "catalog": pairs.with_columns(
            pl.lit(None, pl.Date).alias("discontinued_on"),
            pl.lit(22.0).alias("unit_price"),
            pl.lit(20.0).alias("unit_cost"),
            pl.lit(value=True).alias("is_in_assortment"),
        ),
        "position": pairs.with_columns(pl.Series("on_hand_qty", stock), pl.lit(0).alias("on_order_qty")),
        "arrivals": pairs.head(5).with_columns(
            pl.lit(MONDAY + timedelta(days=4)).alias("expected_on"), pl.lit(3, pl.Int64).alias("quantity")
        ),
        "terms": pairs.with_columns(
            pl.lit("V").alias("vendor_code"),
            pl.lit(21).alias("lead_time_days"),
            pl.lit(7).alias("review_period_days"),
            pl.lit(None, pl.Float64).alias("lead_time_sd_days"),
            pl.lit(1).alias("moq"),
            pl.lit(1).alias("pack_size"),
            pl.lit(20.0).alias("unit_cost"),
            pl.lit(None, pl.Float64).alias("holding_cost_per_unit_week"),
            pl.lit(None, pl.Float64).alias("shortage_cost_per_unit"),
            pl.lit(None, pl.Float64).alias("service_level"),
            pl.lit(None, pl.Int64).alias("display_min"),
        ),
    }  # fmt: skip
    return frames, forecast


def arguments(frames: dict[str, pl.DataFrame]) -> list[pl.DataFrame]:
    return [frames[name] for name in ("demand", "catalog", "position", "arrivals", "terms")]


@given(st.integers(0, 10_000))
@settings(max_examples=5)
def test_a_transfer_never_takes_its_source_under_its_protection(seed: int) -> None:
    frames, forecast = build_world(seed)
    moves = plan_transfers(*arguments(frames), MONDAY, "lost", forecast, None, TERMS, n_paths=400)
    assert dict(moves.schema) == TRANSFER_SCHEMA
    given_away = moves.group_by("source_store_code", "sku").agg(
        pl.col("suggested_qty").sum(), pl.col("source_on_hand").first(), pl.col("source_kept_qty").first()
    )
    assert (given_away["source_on_hand"] - given_away["suggested_qty"] >= given_away["source_kept_qty"]).all()
    assert [replay_receipt(receipt) for receipt in moves["receipt"]] == moves["suggested_qty"].to_list()
    # the source, planned without what it gave, is asked to buy no more than before for its own protection
    before = plan_orders(*arguments(frames), MONDAY, "lost", forecast, n_paths=400)
    position, arrivals = apply_transfers(frames["position"], frames["arrivals"], moves)
    after = plan_orders(
        *arguments({**frames, "position": position, "arrivals": arrivals}), MONDAY, "lost", forecast, n_paths=400
    )
    both = before.join(after, on=["store_code", "sku"], suffix="_after")
    gave = both.join(
        given_away.rename({"source_store_code": "store_code"}).select("store_code", "sku"), on=["store_code", "sku"]
    )
    assert gave["suggested_qty_after"].to_list() == gave["suggested_qty"].to_list()
    # what comes is never bought as well
    came = both.filter(pl.col("transfer_in_qty_after") > 0)
    assert came.height == moves.height
    # (a further day in the timeline draws other samples: a unit or a tenth is their noise)
    assert (came["suggested_qty_after"] <= came["suggested_qty"] * 1.1 + 1).all()


def test_a_store_without_stock_is_helped_by_one_with_plenty() -> None:
    frames, forecast = build_world(0)
    forecast.mean[:] = 2.0
    stock = np.where(np.arange(24) == 0, 60, np.where(np.arange(24) % 6 == 0, 0, 12))
    frames["position"] = frames["position"].with_columns(pl.Series("on_hand_qty", stock))
    moves = plan_transfers(*arguments(frames), MONDAY, "lost", forecast, None, TERMS, n_paths=400)
    assert set(moves["sku"]) == {"P0"}
    assert set(moves["source_store_code"]) == {"S0"}
    assert moves["suggested_qty"].min() >= 4
    none = plan_transfers(*arguments(frames), MONDAY, "lost", forecast, None, TransferTerms(0, 0.5, 1.0))
    assert none.is_empty()
    rules = frames["catalog"].select("store_code", "sku", pl.lit(value=True).alias("is_transfer_excluded"))
    stays = plan_transfers(*arguments(frames), MONDAY, "lost", forecast, None, TERMS, rules=rules, n_paths=400)
    assert stays.is_empty()


def test_no_more_moves_than_the_other_store_needs() -> None:
    """Spared holding here is no reason to let units lie there."""
    frames, forecast = build_world(0)
    forecast.mean[:] = 0.02
    stock = np.where(np.arange(24) == 0, 60, 0)
    frames["position"] = frames["position"].with_columns(pl.Series("on_hand_qty", stock))
    moves = plan_transfers(*arguments(frames), MONDAY, "lost", forecast, None, TransferTerms(2, 0.0, 0.0), n_paths=400)
    assert moves["suggested_qty"].max() is None or moves["suggested_qty"].max() <= 1
