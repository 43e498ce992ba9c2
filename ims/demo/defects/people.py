"""Defects of customers and prescriptions."""

from __future__ import annotations

import polars as pl

from ims.demo.defects.spoil import SET_ASIDE, Spoiled

EYES = "raw.prescription_eyes"
LINES = "raw.sales_order_lines"


def spoil_people(chain: Spoiled) -> None:
    """Customers written down twice, and prescriptions that cannot be, are too old or are of somebody else."""
    _double_customers(chain)
    _spoil_eyes(chain)
    _spoil_prescriptions_sold(chain)


def _double_customers(chain: Spoiled) -> None:
    """The name and the mobile of the customer before them in the same store."""
    people = chain.tables["customers"].filter(kind="b2c").sort("customer_code")
    before = people.with_columns(pl.col("full_name", "mobile").shift(1).over("home_store_code")).drop_nulls("mobile")
    twice = chain.choose("customer_doubled", before[::2], 0.08)  # of every other one, so that nobody is there thrice
    chain.put("customers", "customer_code", twice.select("customer_code", "full_name", "mobile"))
    chain.note("customer_doubled", "customers", twice["customer_code"], "raw.customers.mobile_is_of_one_customer")


def _spoil_eyes(chain: Spoiled) -> None:
    eyes = chain.tables["prescription_eyes"]
    key = ["prescription_number", "eye"]
    bare = chain.choose("axis_missing", eyes.filter(pl.col("axis").is_not_null()), 0.003)
    rest = eyes.join(bare.select("prescription_number"), on="prescription_number", how="anti")
    off = chain.choose("sphere_off_grid", rest, 0.0013)
    rest = rest.join(off.select("prescription_number"), on="prescription_number", how="anti")
    strong = rest.group_by("prescription_number").agg(least=pl.col("sph").abs().min()).filter(pl.col("least") >= 1)
    rest = rest.join(strong, on="prescription_number", maintain_order="left").filter(eye="right")
    turned = chain.choose("sphere_sign_flipped", rest.filter(pl.col("sph").abs() >= 1), 0.005)
    chain.put("prescription_eyes", key, bare.select(*key, axis=pl.lit(None, dtype=pl.Int64)))
    chain.put("prescription_eyes", key, off.select(*key, sph=pl.col("sph") + 0.1))
    chain.put("prescription_eyes", key, turned.select(*key, sph=-pl.col("sph")))
    aside = "raw.import_quarantine.prescriptions_are_possible"
    chain.note("axis_missing", "prescription_eyes", _name(bare), aside, SET_ASIDE)
    chain.note("sphere_off_grid", "prescription_eyes", _name(off), aside, SET_ASIDE)
    chain.note("sphere_sign_flipped", "prescription_eyes", _name(turned), f"{EYES}.both_eyes_have_the_same_sign")


def _name(eyes: pl.DataFrame) -> pl.Series:
    return eyes.select(pl.format("{} {}", "prescription_number", "eye")).to_series()


def _spoil_prescriptions_sold(chain: Spoiled) -> None:
    """Spectacles made by a prescription that had expired, or by the one of another patient of the store."""
    orders = chain.orders()
    lines = chain.tables["sales_order_lines"].drop_nulls("prescription_number")
    sold = lines.unique("order_ref", keep="first", maintain_order=True).select("order_ref", "prescription_number")
    orders = orders.select("order_ref", "store_code", "ordered_on")
    sold = sold.join(orders, on="order_ref", how="inner", maintain_order="left")
    given = chain.tables["prescriptions"].select("prescription_number", "prescribed_on")
    sold = sold.join(given, on="prescription_number", maintain_order="left").sort("order_ref")
    used_once = pl.len().over("prescription_number") == 1
    late = sold.filter((pl.col("prescribed_on") < pl.col("ordered_on")) & used_once)
    expired = chain.choose("prescription_expired", late, max(1, round(0.0025 * len(sold))))
    ends = expired.select("prescription_number", valid_until_on=pl.col("ordered_on") - pl.duration(days=1))
    chain.put("prescriptions", "prescription_number", ends)
    chain.note("prescription_expired", "sales_orders", expired["order_ref"], f"{LINES}.prescription_is_valid_when_sold")
    rest = sold.filter(~pl.col("order_ref").is_in(expired["order_ref"].implode()))
    other = rest.with_columns(pl.col("prescription_number").shift(1).over("store_code")).drop_nulls(
        "prescription_number"
    )
    other = chain.choose("prescription_of_another", other, 0.0025)
    both = lines.join(other.select("order_ref", taken="prescription_number"), on="order_ref", maintain_order="left")
    changed = both.drop_nulls("taken").select("order_ref", "line_ref", prescription_number="taken")
    chain.put("sales_order_lines", ["order_ref", "line_ref"], changed)
    chain.note(
        "prescription_of_another", "sales_orders", other["order_ref"], f"{LINES}.prescription_is_the_patients_own"
    )
