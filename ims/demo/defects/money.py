"""Defects of orders and payments."""

from __future__ import annotations

from datetime import date

import polars as pl

from ims.demo.defects.spoil import SET_ASIDE, Spoiled

CUT_ON = date(2025, 9, 22)
ORDERS = "raw.sales_orders"


def spoil_money(chain: Spoiled) -> None:
    """Orders that do not add up, payments that are too high or missing, products that nobody knows."""
    quick = chain.orders().filter(kind="quick")
    wrong = chain.choose("order_does_not_add_up", quick, 0.001)
    chain.put("sales_orders", "order_ref", wrong.select("order_ref", total_amount=pl.col("total_amount") + 1))
    aside = "raw.import_quarantine.orders_add_up"
    chain.spared += wrong["order_ref"].to_list()
    chain.note("order_does_not_add_up", "sales_orders", wrong["order_ref"], aside, SET_ASIDE)
    parts = "raw.import_quarantine.parts_wait_for_their_whole"
    chain.note("order_does_not_add_up", "sales_orders", wrong["order_ref"], parts, SET_ASIDE)
    rest = quick.filter(~pl.col("order_ref").is_in(wrong["order_ref"].implode()))
    _spoil_payments(chain, rest)
    _sell_the_unknown(chain, rest)


def _spoil_payments(chain: Spoiled, orders: pl.DataFrame) -> None:
    payments = chain.tables["payments"]
    once = payments.filter(pl.len().over("order_ref") == 1, pl.col("method") != "credit")
    once = once.join(
        orders.filter(status="delivered").select("order_ref"), on="order_ref", maintain_order="left", how="inner"
    )
    chosen = chain.choose("overpaid and unpaid", once.sort("payment_ref"), 10)
    over, un = chosen[:5], chosen[5:]
    more = over.select("payment_ref", amount=(pl.col("amount").cast(pl.Float64) * 1.1).round(2) + 1)
    chain.put("payments", "payment_ref", more)
    left_out = pl.col("payment_ref").is_in(un["payment_ref"].implode())
    chain.tables["payments"] = chain.tables["payments"].filter(~left_out)
    chain.note("overpaid", "payments", over["order_ref"], f"{ORDERS}.nobody_paid_more_than_the_total")
    chain.note("unpaid", "payments", un["order_ref"], f"{ORDERS}.what_is_delivered_is_paid_or_on_credit")


def _sell_the_unknown(chain: Spoiled, orders: pl.DataFrame) -> None:
    """A further line of a product that is in no list; the order's total does not count it."""
    chosen = chain.choose("product_unknown", orders, 10).with_row_index("n")
    lines = chain.tables["sales_order_lines"].filter(line_ref="1")
    lines = lines.join(chosen.select("order_ref", "n"), on="order_ref", maintain_order="left", how="inner")
    lines = lines.with_columns(line_ref=pl.lit("99"), sku=pl.format("GONE-{}", pl.col("n") + 1)).drop("n")
    none = [pl.lit(None, dtype=lines.schema[c]).alias(c) for c in ("prescription_number", "pair_group", "eye")]
    lines = lines.with_columns(none)
    chain.tables["sales_order_lines"] = pl.concat([chain.tables["sales_order_lines"], lines])
    aside = "raw.import_quarantine.lines_name_a_product"
    keys = lines.select(pl.format("{} {}", "order_ref", "line_ref")).to_series()
    chain.note("product_unknown", "sales_order_lines", keys, aside, SET_ASIDE)


def tax_wrongly(chain: Spoiled) -> None:
    """The rate of before the cut, after it; line, order and payment add up. What finds it stops the publication."""
    orders = chain.orders().join(chain.tables["sales_returns"], on="order_ref", how="anti", maintain_order="left")
    lines = chain.tables["sales_order_lines"].filter(tax_rate=0.05).filter(pl.col("sold_on") >= CUT_ON)
    lines = lines.join(orders.select("order_ref", "total_amount"), on="order_ref", maintain_order="left", how="inner")
    if lines.is_empty():
        return
    chosen = chain.choose("wrong_tax_rate", lines.sort("order_ref", "line_ref"), 0.003)
    chosen = chosen.unique("order_ref", keep="first", maintain_order=True)
    paise = (pl.col("net_amount") * 100).cast(pl.Int64)
    tax = ((paise * 12 + 50) // 100).cast(pl.Decimal(18, 2)) / 100
    new = chosen.with_columns(tax=tax.cast(pl.Decimal(14, 2)))
    more = (pl.col("tax") - pl.col("tax_amount")).cast(pl.Decimal(14, 2))
    key = ["order_ref", "line_ref"]
    heads = orders.select("order_ref", total="total_amount", tax_before="tax_amount").join(
        new.select("order_ref", more=more), on="order_ref", maintain_order="left", how="inner"
    )
    changed = new.select(*key, tax_rate=pl.lit(0.12), tax_amount="tax", line_total=pl.col("net_amount") + pl.col("tax"))
    chain.put("sales_order_lines", key, changed)
    totals = heads.select(
        "order_ref", tax_amount=pl.col("tax_before") + pl.col("more"), total_amount=pl.col("total") + pl.col("more")
    )
    chain.put("sales_orders", "order_ref", totals)
    paid = chain.tables["payments"].join(heads.select("order_ref", "more"), on="order_ref", maintain_order="left")
    paid = paid.filter(pl.col("kind") == "payment", pl.col("more").is_not_null()).unique("order_ref", keep="last")
    chain.put("payments", "payment_ref", paid.select("payment_ref", amount=pl.col("amount") + pl.col("more")))
    keys = chosen.select(pl.format("{} {} {}", "store_code", "sku", "sold_on")).to_series()
    chain.note("wrong_tax_rate", "sales_order_lines", keys, "marts.fct_sales_lines.tax_rate_is_that_of_its_day")
