"""What a chain folder tells of sales, as polars reads it: a second computation that shares no line with the SQL.

Each function takes the chain of the fixture `ci`. A day is the business day in India; what lies before as_of is told.
"""

from __future__ import annotations

from math import isnan
from typing import Any

import polars as pl

ZONE = "Asia/Kolkata"
ORDER = ["order_ref", "store_code"]


def moment(name: str) -> pl.Expr:
    """A column of times, whether polars read them as text or not, in India."""
    return pl.col(name).cast(pl.String).str.to_datetime(time_zone="UTC", strict=True).dt.convert_time_zone(ZONE)


def money(*names: str) -> list[pl.Expr]:
    """Amounts as numbers; the sums stay far from where doubles lose a paisa."""
    return [pl.col(name).cast(pl.Float64) for name in names]


def people(chain: Any) -> pl.DataFrame:
    """Customers' codes and `person`: those of one mobile number are one."""
    return chain.file("customers").select(
        "customer_code", "home_store_code", person=pl.coalesce(pl.col("mobile").cast(pl.String), "customer_code")
    )


def orders(chain: Any) -> pl.DataFrame:
    """Billable orders with booked_on, delivered_on and the person."""
    told = chain.file("sales_orders").filter(~pl.col("status").is_in(["draft", "cancelled"]))
    return (
        told.with_columns(
            moment("confirmed_at").alias("booked_at"),
            booked_on=moment("confirmed_at").dt.date(),
            delivered_on=pl.coalesce(moment("delivered_at").dt.date(), pl.col("invoiced_on").cast(pl.Date)),
        )
        .filter(pl.col("booked_on") < chain.as_of)
        .join(people(chain).select("customer_code", "person"), on="customer_code", how="left")
    )


def lines(chain: Any) -> pl.DataFrame:
    """Lines of billable orders with the kind of their product."""
    kinds = chain.file("categories").select(category="code", product_kind="kind")
    products = chain.file("products").select("sku", "category", "attributes").join(kinds, on="category")
    amounts = ["net_amount", "discount_amount", "line_total", "unit_price", "mrp", "cost_at_sale"]
    return (
        chain.file("sales_order_lines")
        .with_columns(money(*amounts))
        .join(orders(chain).select(*ORDER, "booked_on", "delivered_on", "person", "patient_ref"), on=ORDER)
        .join(products, on="sku")
    )


def returns(chain: Any) -> pl.DataFrame:
    """Returned lines with the day they came back and the line they were sold as."""
    documents = chain.file("sales_returns").select(
        "return_number", pl.col("returned_on").cast(pl.Date), back_in=pl.col("store_code")
    )
    sold = lines(chain).select(*ORDER, "line_ref", "booked_on", "delivered_on", "category", "cost_at_sale")
    return (
        chain.file("sales_return_lines")
        .with_columns(money("taxable_amount", "tax_amount"))
        .join(documents, on="return_number")
        .join(sold, on=[*ORDER, "line_ref"])
        .filter(pl.col("returned_on") < chain.as_of)
    )


def compare(chain: Any, metric: str, by: str, expected: pl.DataFrame, **where: Any) -> None:
    """The figure by a dimension is what `expected` (the dimension, value) says, and is not empty throughout."""
    found = chain.ask(metric, by=[by], where=where).filter(pl.col(metric).is_not_null())
    mine = {key: value for key, value in expected.rows() if value is not None and not isnan(value)}
    theirs = {key: float(value) for key, value in found.rows()}
    assert theirs.keys() == mine.keys(), metric
    assert theirs, metric
    for key, value in mine.items():
        assert abs(theirs[key] - float(value)) < 1e-6 * max(1.0, abs(float(value))), (metric, key, theirs[key], value)
