"""Stock of the ci chain, recomputed from its files: I1 to I4, I6 to I8, I11, I17, M3."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from tests.sql.oracle.kept import ONE, dates, days, layers, moves, reserved, sold
from tests.sql.oracle.told import compare, is_same, lines, returns

AGES = ((30, "0-30"), (60, "31-60"), (90, "61-90"), (180, "91-180"), (365, "181-365"), (10**6, "over 365"))


def test_mean_stock_and_its_value(ci):
    each = (
        days(ci)
        .group_by("store", "day")
        .agg(units=pl.col("on_hand").sum(), value=(pl.col("on_hand") * pl.col("cost")).sum())
    )
    whole = each.group_by("day").agg(pl.col("units", "value").sum()).group_by(month=pl.col("day").dt.truncate("1mo"))
    compare(ci, "mean_stock_units", "month", whole.agg(pl.col("units").mean()))
    compare(ci, "mean_stock_value", "month", mean_to_the_paisa(whole))
    compare(ci, "mean_stock_value", "store", mean_to_the_paisa(each.group_by("store")))


def mean_to_the_paisa(groups):
    """The mean of `value` in whole paise, half a paisa up: counted in integers, which have no nearest float."""
    paise, days_told = (pl.col("value").sum() * 100).round().cast(pl.Int64), pl.len().cast(pl.Int64)
    return groups.agg(((2 * paise + days_told) // (2 * days_told)).cast(pl.Decimal(18, 2)) / 100)


@pytest.mark.recomputes("stock_out_rate")
def test_stock_out_rate(ci):
    for by in ("store", "category"):
        compare(ci, "stock_out_rate", by, days(ci).group_by(by).agg(pl.col("out").sum() / pl.col("ranged").sum()))
    month = days(ci).group_by(month=pl.col("day").dt.truncate("1mo"))
    compare(ci, "stock_out_rate", "month", month.agg(pl.col("out").sum() / pl.col("ranged").sum()))


@pytest.mark.recomputes("inventory_turn", "gmroi", "frame_board_turn", "inventory_turn_units", "sell_through_share")
def test_turns_and_gmroi(ci):
    year = days(ci).filter(pl.col("day") >= ci.as_of - 365 * ONE)
    goods, back = lines(ci), returns(ci)
    goods = goods.filter(pl.col("booked_on") >= ci.as_of - 365 * ONE)
    back = back.filter(pl.col("returned_on") >= ci.as_of - 365 * ONE)
    cost = (
        goods.select((pl.col("quantity") * pl.col("cost_at_sale")).sum()).item()
        - back.select((pl.col("quantity") * pl.col("cost_at_sale")).sum()).item()
    )
    net = goods["net_amount"].sum() - back["taxable_amount"].sum()
    value = year.select((pl.col("on_hand") * pl.col("cost")).sum()).item() / 365
    found = ci.ask("inventory_turn", "gmroi", "frame_board_turn", "inventory_turn_units").row(0, named=True)
    frames = goods.filter(pl.col("product_kind") == "frame")["quantity"].sum()
    framed = year.filter(pl.col("kind") == "frame")["on_hand"].sum() / 365
    expected = {
        "inventory_turn": cost / value, "gmroi": (net - cost) / value, "frame_board_turn": frames / framed,
        "inventory_turn_units": goods["quantity"].sum() / (year["on_hand"].sum() / 365),
    }  # fmt: skip
    for name, mine in expected.items():
        assert is_same(name, found[name], mine), name
    there = moves(ci)["units"].sum()
    gone = goods["quantity"].sum()
    assert is_same("sell_through_share", ci.ask("sell_through_share").item(), gone / (gone + there))


@pytest.mark.recomputes(
    "stock_on_hand",
    "stock_reserved",
    "stock_in_transit",
    "stock_available",
    "stock_position",
    "negative_stock_pairs",
    "mismatched_stock_pairs",
)
def test_on_hand_and_position(ci):
    stock = moves(ci).group_by("store").agg(pl.col("units").sum())
    compare(ci, "stock_on_hand", "store", stock)
    assert ci.ask("negative_stock_pairs", "mismatched_stock_pairs").row(0) == (0, 0)
    ordered = ci.file("open_orders").group_by(store="store_code").agg(pl.col("quantity").sum())
    compare(ci, "stock_on_order", "store", ordered)
    sent = ci.file("stock_transfers").filter(pl.col("status").is_in(["shipped", "partially_received"]))
    coming = ci.file("stock_transfer_lines").join(sent, on="transfer_ref").group_by(store="to_store_code")
    coming = coming.agg(
        (pl.col("shipped_qty") - pl.col("received_qty") - pl.col("damaged_qty") - pl.col("lost_qty")).sum()
    )
    each = {name: dict(frame.rows()) for name, frame in (("coming", coming), ("ordered", ordered))}
    for store, units in stock.rows():
        kept, transit, order = reserved(ci)[store], each["coming"].get(store, 0), each["ordered"].get(store, 0)
        found = ci.ask(
            "stock_reserved", "stock_in_transit", "stock_available", "stock_position", where={"store": store}
        )
        assert found.row(0) == (kept, transit, units - kept, units - kept + order + transit)
    assert sum(reserved(ci).values()) > 0


@pytest.mark.recomputes(
    "aged_stock_units", "aged_stock_value", "mean_age_days", "stale_stock_share", "stale_stock_units"
)
def test_ageing(ci):
    there = layers(ci).filter(pl.col("left").is_null())
    band = Counter(next(name for limit, name in AGES if age <= limit) for age in there["age"])
    found = ci.ask("aged_stock_units", by=["age_band"]).rows()
    assert {name: units for name, units in found if units} == dict(band)
    compare(ci, "mean_age_days", "category", there.group_by("category").agg(pl.col("age").mean()))
    stale = (pl.col("age") > 243).sum()
    compare(ci, "stale_stock_share", "store", there.group_by("store").agg(stale / pl.len()))
    compare(ci, "stale_stock_units", "store", there.group_by("store").agg(stale))
    worth = there.with_columns(cost=pl.coalesce("paid", "stated")).group_by("category").agg(pl.col("cost").sum())
    compare(ci, "aged_stock_value", "category", worth)


@pytest.mark.recomputes("sell_through_30d", "sell_through_60d", "sell_through_90d", "sell_through_180d")
@pytest.mark.parametrize(
    ("metric", "within"),
    [("sell_through_30d", 30), ("sell_through_60d", 60), ("sell_through_90d", 90), ("sell_through_180d", 180)],
)
def test_sell_through_of_cohorts(ci, metric, within):
    kinds = dict(ci.file("stores").select("store_code", "kind").rows())
    bought = layers(ci).filter(pl.col("source").is_in(["receipt", "transfer"]) & (pl.col("age") >= within))
    bought = bought.filter(pl.col("store").replace_strict(kinds) == "store")
    soon = pl.col("sale").fill_null(False) & ((pl.col("left") - pl.col("came")).dt.total_days() <= within).fill_null(
        False
    )
    compare(ci, metric, "category", bought.group_by("category").agg(soon.sum() / pl.len()))


@pytest.mark.recomputes("fill_rate", "not_available_walkouts")
def test_fill_rate(ci):
    held = days(ci).filter("begun").select("store", "sku", "day", "on_hand")
    opening = {(store, sku, day): units for store, sku, day, units in held.rows()}
    came = Counter()
    for store, sku, day, kind, units, _ in moves(ci).rows():
        came[store, sku, day] += units if units > 0 and kind != "return" else 0
    ledger = set(moves(ci).select("store", "sku").unique().rows())
    asked, served = Counter(), Counter()
    for (store, sku, day), quantity in sold(ci).items():
        if (store, sku) in ledger and (store, sku, day) in opening:
            asked[store] += quantity
            served[store] += min(quantity, max(opening[store, sku, day], 0) + came[store, sku, day])
    gone = ci.file("walkouts").with_columns(*dates("walked_out_on")).filter(pl.col("reason") == "not_available")
    for store in gone.filter(pl.col("walked_out_on") < ci.as_of)["store_code"]:
        asked[store] += 1
    missed = gone.filter(pl.col("walked_out_on") < ci.as_of)
    compare(ci, "not_available_walkouts", "store", missed.group_by("store_code").len())
    compare(ci, "fill_rate", "store", pl.DataFrame([(s, served[s] / asked[s]) for s in asked], orient="row"))
