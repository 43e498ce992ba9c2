"""What a chain folder tells of sales, as polars reads it: a second computation that shares no line with the SQL.

Each function takes the chain of the fixture `ci`. A day is the business day in India; what lies before as_of is told.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import isclose, isnan
from typing import Any

import polars as pl

from warehouse.catalogue import catalogue

ZONE = "Asia/Kolkata"
ORDER = ["order_ref", "store_code"]
# digits after the point of a sum; the unit of any other figure is that of a ratio
SUMS = {"money": 2, "units": 0, "count": 0}


def moment(name: str) -> pl.Expr:
    """A column of times, whether polars read them as text or not, in India."""
    return pl.col(name).cast(pl.String).str.to_datetime(time_zone="UTC", strict=True).dt.convert_time_zone(ZONE)


def money(*names: str) -> list[pl.Expr]:
    """Amounts as numbers; the sums stay far from where doubles lose a paisa."""
    return [pl.col(name).cast(pl.Float64) for name in names]


@cache
def people(chain: Any) -> Any:
    """Customers' codes and `person`: those of one mobile number are one."""
    return chain.file("customers").select(
        "customer_code", "home_store_code", person=pl.coalesce(pl.col("mobile").cast(pl.String), "customer_code")
    )


@cache
def orders(chain: Any) -> Any:
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


@cache
def lines(chain: Any) -> Any:
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


@cache
def returns(chain: Any) -> Any:
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
    """The figure by a dimension is what `expected` (the dimension, value) says, and is not empty throughout.

    Money is equal to the paisa and a count to the unit; a ratio to nine digits.
    """
    found = chain.ask(metric, by=[by], where=where).filter(pl.col(metric).is_not_null())
    mine = {key: value for key, value in expected.rows() if value is not None and not isnan(value)}
    theirs = dict(found.rows())
    assert theirs.keys() == mine.keys(), metric
    assert theirs, metric
    for key, value in mine.items():
        assert is_same(metric, theirs[key], value), (metric, key, theirs[key], value)


def is_same(metric: str, theirs: Any, mine: Any) -> bool:
    """To the last digit where a figure is a sum, else to nine digits."""
    if theirs is None or mine is None:
        return theirs is mine
    places = SUMS.get(catalogue()[metric].unit)
    if places is None:
        return isclose(float(theirs), float(mine), rel_tol=1e-9, abs_tol=1e-12)
    return half_up(theirs, places) == half_up(mine, places)


def half_up(value: Any, places: int = 2) -> Decimal:
    """Rounded as money is."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
