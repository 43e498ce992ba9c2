"""Files of sales: orders as they stand at the end of a period, and their lines."""

from __future__ import annotations

import polars as pl

from ims.demo.clock import DAY, stamp
from ims.demo.records.rupees import rupees
from ims.demo.standing import stand
from ims.demo.story import Story

CITY_STATES = {
    "Bengaluru": "29", "Mysuru": "29", "Kolkata": "19", "Chennai": "33", "Coimbatore": "33", "Pune": "27",
    "Nashik": "27", "Hyderabad": "36", "Jaipur": "08", "Lucknow": "09", "Delhi": "07", "Mumbai": "27", "Indore": "23",
    "Patna": "10",
    "Kochi": "32", "Nagpur": "27", "Surat": "24", "Guwahati": "18", "Chandigarh": "04", "Vadodara": "24",
}  # fmt: skip


def tabulate_orders(story: Story, first: int, end: int) -> dict[str, pl.DataFrame]:
    """Orders of first <= day < end, and older ones that went on in it; lines of the former."""
    orders = stand(story.orders, first, end)
    start = story.world.start
    columns = {"subtotal": "gross", "discount": "discount", "taxable": "net", "tax": "tax", "total": "total"}
    amounts = {f"{name}_amount": rupees(column) for name, column in columns.items()}
    states = {c: CITY_STATES[city] for c, city in zip(story.world.stores.codes, story.world.stores.cities, strict=True)}
    is_delivered = pl.col("status").is_in(["delivered", "returned"])
    waits = pl.col("waits") & ~pl.col("is_draft")
    table = orders.select(
        "order_ref",
        "store_code",
        "customer_code",
        "status",
        "salesperson",
        "channel",
        ordered_on=story.on("day"),
        patient_ref=pl.when("is_prescription").then("patient_ref"),
        kind=pl.when("is_prescription").then(pl.lit("prescription")).otherwise(pl.lit("quick")),
        confirmed_at=stamp(start, pl.when(~pl.col("is_draft")).then("confirmed_s")),
        ready_at=stamp(start, pl.when(pl.col("status").is_in(["ready", "delivered", "returned"])).then("ready_s")),
        delivered_at=stamp(start, pl.when(is_delivered).then("delivered_s")),
        cancelled_at=stamp(start, pl.when(pl.col("status") == "cancelled").then("cancelled_s")),
        cancel_reason=pl.when(pl.col("status") == "cancelled").then(pl.lit("Customer changed their mind")),
        expected_on=pl.when(waits).then(story.on("promised_day")),
        invoice_number=pl.when(is_delivered).then(pl.format("INV-{}", "order_ref")),
        invoiced_on=pl.when(is_delivered).then(pl.lit(start) + pl.duration(days=pl.col("delivered_s") // DAY)),
        place_of_supply=pl.col("store_code").replace_strict(states, return_dtype=pl.String),
        **amounts,
    )
    return {"sales_orders": table, "sales_order_lines": _lines(story, first, end)}


def _lines(story: Story, first: int, end: int) -> pl.DataFrame:
    lines = story.lines.filter(pl.col("day").is_between(first, end, closed="left"))
    lines = lines.join(
        story.orders.select("order", "confirmed_s", "is_draft", "is_prescription"), on="order", maintain_order="left"
    )
    is_eye = pl.col("eye") >= 0
    return lines.select(
        "order_ref",
        "store_code",
        "line_ref",
        "sku",
        "quantity",
        sold_on=story.on("day"),
        sold_at=stamp(story.world.start, pl.col("confirmed_s")),
        net_amount=rupees("net"),
        mrp=rupees("mrp"),
        unit_price=rupees("unit_price"),
        discount_share=(pl.col("discount_bp") / 10_000).round(4),
        discount_amount=rupees("discount"),
        tax_rate=(pl.col("rate") / 100).round(2),
        tax_amount=rupees("tax"),
        line_total=rupees("total"),
        cost_at_sale=rupees("unit_cost"),
        prescription_number=pl.when(is_eye).then("prescription_number"),
        pair_group=pl.when(pl.col("pair_group") > 0).then("pair_group"),
        eye=pl.when(is_eye).then(pl.when(pl.col("eye") == 0).then(pl.lit("right")).otherwise(pl.lit("left"))),
    ).sort("order_ref", pl.col("line_ref").cast(pl.Int64))
