"""Defects of whole days, and of orders on days on which they cannot have been."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from ims.demo.defects.spoil import Spoiled

LEAST_LINES = 8  # a day with fewer is not missed
BY_ORDER = ("sales_order_lines", "payments", "sales_returns", "sales_return_lines", "lab_jobs")
BY_JOB = ("lab_job_events", "remakes", "non_adapts")
LINES, STORES = "raw.sales_order_lines", "raw.stores"


def spoil_days(chain: Spoiled) -> None:
    """Days that were not sent, or sent twice, and orders of the future or of before the store opened."""
    days = _list_days(chain)
    chosen = chain.choose("days", days, 3)
    _misdate(chain, chosen)
    _leave_out(chain, chosen[:2])
    _send_twice(chain, chosen[2:])


def _list_days(chain: Spoiled) -> pl.DataFrame:
    """Store-days with enough lines, not at the ends of what a store traded."""
    sold = chain.tables["sales_order_lines"].group_by("store_code", "sold_on").agg(lines=pl.len())
    ends = sold.with_columns(
        first=pl.col("sold_on").min().over("store_code"), last=pl.col("sold_on").max().over("store_code")
    )
    inner = ends.filter(
        pl.col("sold_on") > pl.col("first") + timedelta(days=60),
        pl.col("sold_on") < pl.col("last") - timedelta(days=60),
    )
    usual = inner.filter(pl.col("lines") >= LEAST_LINES)
    return usual.sort("store_code", "sold_on").select("store_code", day="sold_on")


def _on(chain: Spoiled, days: pl.DataFrame) -> pl.DataFrame:
    keys = days.rename({"day": "ordered_on"})
    return chain.tables["sales_orders"].join(keys, on=["store_code", "ordered_on"], how="semi", maintain_order="left")


def _leave_out(chain: Spoiled, days: pl.DataFrame) -> None:
    """No order of the day, nor anything that followed from one."""
    gone = _on(chain, days).select("order_ref")
    jobs = chain.tables["lab_jobs"].join(gone, on="order_ref", how="semi").select("job_number")
    for file in ("sales_orders", *BY_ORDER):
        chain.tables[file] = chain.tables[file].join(gone, on="order_ref", how="anti", maintain_order="left")
    for file in BY_JOB:
        chain.tables[file] = chain.tables[file].join(jobs, on="job_number", how="anti", maintain_order="left")
    walkouts = chain.tables["walkouts"]
    lost = walkouts.drop_nulls("order_ref").join(gone, on="order_ref", how="semi")
    chain.tables["walkouts"] = walkouts.filter(~pl.col("walkout_ref").is_in(lost["walkout_ref"].implode()))
    chain.note("day_missing", "sales_orders", _name(days), f"{STORES}.no_day_of_sales_is_missing")


def _send_twice(chain: Spoiled, days: pl.DataFrame) -> None:
    """Every order of the day once more, under another reference, with its lines and payments."""
    orders = _on(chain, days).filter(pl.col("status").is_in(["draft", "cancelled"]).not_())
    again = pl.format("{}D", "order_ref")
    lines = chain.tables["sales_order_lines"].join(
        orders.select("order_ref"), on="order_ref", how="semi", maintain_order="left"
    )
    paid = chain.tables["payments"].join(orders.select("order_ref"), on="order_ref", how="semi", maintain_order="left")
    invoice = pl.when(pl.col("invoice_number").is_not_null()).then(pl.format("{}D", "invoice_number"))
    copies = {
        "sales_orders": orders.with_columns(order_ref=again, invoice_number=invoice),
        "sales_order_lines": lines.with_columns(order_ref=again),
        "payments": paid.with_columns(
            order_ref=again, payment_ref=pl.format("{}D", "payment_ref"), reference=pl.lit(None, dtype=pl.String)
        ),
    }
    for file, rows in copies.items():
        chain.tables[file] = pl.concat([chain.tables[file], rows])
    chain.spared += [*orders["order_ref"], *copies["sales_orders"]["order_ref"]]
    chain.note("day_doubled", "sales_orders", _name(days), f"{STORES}.no_day_of_sales_is_doubled")


def _name(days: pl.DataFrame) -> pl.Series:
    return days.select(pl.format("{} {}", "store_code", "day")).to_series()


def _misdate(chain: Spoiled, but: pl.DataFrame) -> None:
    """Quick orders, of other days than `but`, with everything of them a month ahead, or long before the opening."""
    orders = chain.tables["sales_orders"].filter(kind="quick", status="delivered").sort("order_ref")
    came_back = chain.tables["sales_returns"].select("order_ref")
    orders = orders.join(came_back, on="order_ref", how="anti", maintain_order="left").filter(
        pl.col("expected_on").is_null()
    )
    orders = orders.join(
        but.rename({"day": "ordered_on"}), on=["store_code", "ordered_on"], how="anti", maintain_order="left"
    )
    opened = chain.tables["stores"].select("store_code", "opened_on")
    orders = orders.join(opened, on="store_code", maintain_order="left")
    # a store that opened within the records would seem to have traded since: the days between would be missed
    old = orders.filter(pl.col("opened_on") < pl.col("ordered_on").min() - timedelta(days=90))
    before = chain.choose("order_before_opening", old, 5)
    ahead = chain.choose("future_order", orders.join(before, on="order_ref", how="anti", maintain_order="left"), 5)
    _move(chain, ahead.with_columns(to=pl.lit(chain.as_of + timedelta(days=30))))
    _move(chain, before.with_columns(to=pl.col("opened_on") - timedelta(days=30)))
    chain.spared += [*ahead["order_ref"], *before["order_ref"]]
    chain.note("future_order", "sales_orders", ahead["order_ref"], f"{LINES}.sold_before_the_data_end")
    chain.note("order_before_opening", "sales_orders", before["order_ref"], f"{LINES}.sold_while_the_store_was_open")


def _move(chain: Spoiled, orders: pl.DataFrame) -> None:
    """Shift every date and time of the orders, their lines and payments, so that they fall on `to`."""
    shifts = orders.select("order_ref", shift=pl.col("to") - pl.col("ordered_on"))
    for file, key in (("sales_orders", "order_ref"), ("sales_order_lines", "line_ref"), ("payments", "payment_ref")):
        frame = chain.tables[file]
        moved = frame.join(shifts, on="order_ref", maintain_order="left", how="inner")
        times = [c for c, kind in frame.schema.items() if kind.is_temporal()]
        keys = list(dict.fromkeys(["order_ref", key]))
        chain.put(file, keys, moved.select(*keys, *(pl.col(c) + pl.col("shift") for c in times)))
