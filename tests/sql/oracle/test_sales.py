"""Sales and margin of the ci chain, recomputed from its files: S1 to S10, S13, S14, M1, M2, M4."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from tests.sql.oracle.told import ORDER, compare, is_same, lines, moment, orders, returns

BANDS = [0, 1000, 2500, 5000, 10000, 15000, 20000, 30000, 50000, 75000, 150000]


@pytest.fixture(scope="module")
def sold(ci):
    return lines(ci)


@pytest.fixture(scope="module")
def back(ci):
    return returns(ci)


def month(column: str) -> pl.Expr:
    return pl.col(column).dt.truncate("1mo").alias("month")


def summed(frame: pl.DataFrame, by: str | pl.Expr, value: pl.Expr) -> pl.DataFrame:
    return frame.group_by(by).agg(value.alias("value"))


def net(sold: pl.DataFrame, back: pl.DataFrame, clock: str = "booked_on") -> pl.DataFrame:
    """Store, day, category and what was sold or came back: amount without tax, cost."""
    return pl.concat(
        [
            sold.select("store_code", "category", *ORDER[:1], day=clock, amount="net_amount",
                        cost=pl.col("quantity") * pl.col("cost_at_sale")),
            back.select(pl.col("back_in").alias("store_code"), "category", *ORDER[:1], day="returned_on",
                        amount=-pl.col("taxable_amount"), cost=-pl.col("quantity") * pl.col("cost_at_sale")),
        ]
    )  # fmt: skip


@pytest.mark.recomputes("gross_sales")
def test_gross_sales(ci, sold):
    compare(ci, "gross_sales", "month", summed(sold, month("booked_on"), pl.col("line_total").sum()))
    compare(ci, "gross_sales", "category", summed(sold, "category", pl.col("line_total").sum()))


@pytest.mark.recomputes("net_sales", "net_sales_delivered")
def test_net_sales_on_both_clocks(ci, sold, back):
    both = net(sold, back)
    compare(ci, "net_sales", "day", summed(both, pl.col("day"), pl.col("amount").sum()))
    compare(ci, "net_sales", "store", summed(both, "store_code", pl.col("amount").sum()))
    line = pl.format("{} · {}", pl.col("day").cast(pl.String), "order_ref").alias("order_line")
    compare(ci, "net_sales", "order_line", summed(both, line, pl.col("amount").sum()))
    delivered = net(sold, back, "delivered_on").filter(pl.col("day").is_not_null())
    compare(ci, "net_sales_delivered", "month", summed(delivered, month("day"), pl.col("amount").sum()))


@pytest.mark.recomputes("average_order")
def test_average_order(ci, sold, back):
    worth = sold.group_by(*ORDER, "booked_on").agg(pl.col("net_amount").sum()).filter(pl.col("net_amount") > 0)
    orders_of = worth.group_by(month("booked_on")).len("orders")
    sales = summed(net(sold, back), month("day"), pl.col("amount").sum())
    compare(
        ci,
        "average_order",
        "month",
        sales.join(orders_of, on="month").select("month", pl.col("value") / pl.col("orders")),
    )


@pytest.mark.recomputes("units_per_order")
def test_units_per_order(ci, sold):
    pairs = (
        sold.filter(pl.col("pair_group").is_not_null())
        .unique([*ORDER, "pair_group"])
        .group_by("store_code")
        .len("pairs")
    )
    rest = sold.filter(pl.col("pair_group").is_null()).group_by("store_code").agg(pl.col("quantity").sum())
    count = sold.unique(ORDER).group_by("store_code").len("orders")
    units = pairs.join(rest, on="store_code").join(count, on="store_code")
    compare(ci, "units_per_order", "store",
            units.select("store_code", (pl.col("pairs") + pl.col("quantity")) / pl.col("orders")))  # fmt: skip


@pytest.mark.recomputes("discount_rate", "below_printed_price_share")
def test_discount_rate(ci, sold):
    listed = (pl.col("quantity") * pl.col("unit_price")).round(2).sum()
    compare(ci, "discount_rate", "category", summed(sold, "category", pl.col("discount_amount").sum() / listed))
    printed = (pl.col("quantity") * pl.col("mrp")).sum()
    below = (printed - pl.col("line_total").sum()) / printed
    compare(
        ci, "below_printed_price_share", "category", summed(sold.filter(pl.col("mrp").is_not_null()), "category", below)
    )


@pytest.mark.recomputes("return_rate", "return_rate_units")
def test_return_rate_by_the_month_of_the_sale(ci, sold, back):
    delivered = sold.filter(pl.col("delivered_on") < ci.as_of)
    came = back.group_by(month("delivered_on")).agg(pl.col("taxable_amount").sum(), pl.col("quantity").sum())
    went = delivered.group_by(month("delivered_on")).agg(pl.col("net_amount").sum(), sold=pl.col("quantity").sum())
    both = went.join(came, on="month", how="left").fill_null(0)
    compare(ci, "return_rate", "month", both.select("month", pl.col("taxable_amount") / pl.col("net_amount")))
    compare(ci, "return_rate_units", "month", both.select("month", pl.col("quantity") / pl.col("sold")))


@pytest.mark.recomputes("orders", "dear_orders_share")
def test_orders_by_price_band(ci, sold):
    worth = sold.group_by(ORDER).agg(pl.col("net_amount").sum().round(2))
    bands = worth.select(band=pl.sum_horizontal(*(pl.col("net_amount") >= bound for bound in BANDS)))
    expected = dict(bands.group_by("band").len().rows())
    found = {int(name[:2]): count for name, count in ci.ask("orders", by=["price_band"]).rows()}
    assert found == expected
    expected = (bands["band"] > 3).mean()
    assert is_same("dear_orders_share", ci.ask("dear_orders_share").item(), expected)


@pytest.mark.recomputes("multi_pair_share", "coating_share", "progressive_share")
def test_pairs(ci, sold):
    pairs = sold.filter(pl.col("pair_group").is_not_null())
    buyer = pl.coalesce(pl.col("person"), pl.concat_str(*ORDER))
    days = pairs.unique([*ORDER, "pair_group"]).select("store_code", "booked_on", who=buyer).sort("who", "booked_on")
    near = days.with_columns(
        multi=((pl.col("booked_on") - pl.col("booked_on").shift(1).over("who")) <= dt.timedelta(30)).fill_null(False)
        | ((pl.col("booked_on").shift(-1).over("who") - pl.col("booked_on")) <= dt.timedelta(30)).fill_null(False)
    )
    share = pl.col("who").filter("multi").n_unique() / pl.col("who").n_unique()
    compare(ci, "multi_pair_share", "month", summed(near, month("booked_on"), share))

    made = ci.file("lens_lines").select("sku", "kind", "coatings")
    lenses = pairs.filter(pl.col("product_kind") == "lens").join(made, on="sku", how="left")
    is_made = pl.col("kind").is_not_null()
    is_ar = pl.col("attributes").str.json_path_match("$.coating") == "AR"
    has_ar = pl.when(is_made).then(pl.col("coatings").str.split(" ").list.contains("AR")).otherwise(is_ar)
    born = ci.file("patients").select("patient_ref", year=pl.col("born_on").cast(pl.Date).dt.year())
    each = (
        lenses.join(born, on="patient_ref", how="left")
        .group_by(*ORDER, "pair_group", "booked_on")
        .agg(
            ar=has_ar.fill_null(False).any(),
            far=(pl.col("kind") == "PROGRESSIVE").fill_null(False).any(),
            year=pl.col("year").first(),
        )
    )
    compare(ci, "coating_share", "month", summed(each, month("booked_on"), pl.col("ar").mean()))
    old = each.filter(pl.col("booked_on").dt.year() - pl.col("year") >= 40)
    compare(ci, "progressive_share", "month", summed(old, month("booked_on"), pl.col("far").mean()))


@pytest.mark.recomputes("extras_attach_share", "solution_attach_share")
def test_attach_rates(ci, sold):
    daily = ci.file("product_contact_lenses").filter(pl.col("modality") == "DAILY")["sku"].implode()
    kind = pl.col("product_kind")
    each = sold.group_by(*ORDER, "booked_on").agg(
        pair=pl.col("pair_group").is_not_null().any(),
        extra=kind.is_in(["accessory", "solution"]).any(),
        solution=(kind == "solution").any(),
        worn=((kind == "contact_lens") & ~pl.col("sku").is_in(daily)).any(),
    )
    compare(ci, "extras_attach_share", "month", summed(each.filter("pair"), month("booked_on"), pl.col("extra").mean()))
    compare(
        ci, "solution_attach_share", "month", summed(each.filter("worn"), month("booked_on"), pl.col("solution").mean())
    )


@pytest.mark.recomputes("sales_per_sqft", "sales_per_frame_slot")
def test_sales_beside_space(ci, sold, back):
    space = ci.file("stores").select("store_code", "floor_area_sqft", "frame_board_capacity")
    sales = summed(net(sold, back), "store_code", pl.col("amount").sum()).join(space, on="store_code")
    for metric, column in (("sales_per_sqft", "floor_area_sqft"), ("sales_per_frame_slot", "frame_board_capacity")):
        compare(ci, metric, "store", sales.select("store_code", pl.col("value") / pl.col(column)))


@pytest.mark.recomputes("sales_per_seller_day")
def test_sellers(ci, sold, back):
    named = sold.join(orders(ci).select(*ORDER, "salesperson"), on=ORDER)
    hands = named.group_by("store_code", "booked_on").agg(pl.col("salesperson").drop_nulls().n_unique().alias("people"))
    days = (
        net(sold, back)
        .group_by("store_code", booked_on="day")
        .agg(pl.col("amount").sum())
        .join(hands, on=["store_code", "booked_on"])
    )
    days = days.filter(pl.col("people") > 0)
    compare(
        ci, "sales_per_seller_day", "store", summed(days, "store_code", pl.col("amount").sum() / pl.col("people").sum())
    )
    taken = back.join(orders(ci).select(*ORDER, "salesperson"), on=ORDER)
    given = pl.concat(
        [
            named.select("salesperson", amount="net_amount"),
            taken.select("salesperson", amount=-pl.col("taxable_amount")),
        ]
    ).drop_nulls("salesperson")
    compare(ci, "seller_net_sales", "salesperson", summed(given, "salesperson", pl.col("amount").sum()))


@pytest.mark.recomputes("collections", "collections_of_old_balances", "collections_of_the_day")
def test_collections(ci):
    amount = pl.col("amount").cast(pl.Float64)
    told = (
        ci.file("payments")
        .filter(pl.col("method") != "credit")
        .with_columns(
            day=moment("received_at").dt.date(),
            amount=pl.when(pl.col("kind") == "refund").then(-amount).otherwise(amount),
        )
        .filter(pl.col("day") < ci.as_of)
    )
    told = told.join(orders(ci).select(*ORDER, "booked_on"), on=ORDER, how="left")
    old = told.filter(pl.col("booked_on") < pl.col("day"))
    compare(ci, "collections", "month", summed(told, month("day"), pl.col("amount").sum()))
    compare(ci, "collections", "method", summed(told, "method", pl.col("amount").sum()))
    compare(ci, "collections_of_old_balances", "month", summed(old, month("day"), pl.col("amount").sum()))
    same = told.filter((pl.col("booked_on") >= pl.col("day")).fill_null(True))
    compare(ci, "collections_of_the_day", "month", summed(same, month("day"), pl.col("amount").sum()))


@pytest.mark.recomputes("cost_of_sales", "gross_margin_share", "cost_coverage_share")
def test_cost_and_margin(ci, sold, back):
    both = net(sold, back)
    assert both["cost"].null_count() == 0, "the clean chain records every cost"
    cost, amount = pl.col("cost").sum(), pl.col("amount").sum()
    compare(ci, "cost_of_sales", "month", summed(both, month("day"), cost))
    compare(ci, "gross_margin_share", "category", summed(both, "category", (amount - cost) / amount))
    assert ci.ask("cost_coverage_share", "cost_of_sales_estimated_share").rows() == [(1.0, 0.0)]
