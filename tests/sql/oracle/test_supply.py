"""Supply, workshop and money of the ci chain, recomputed from its files: V1 to V5, L1 to L4, I13, S14, M5."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from tests.sql.oracle.told import compare, lines, moment, money, orders, returns

KINDS = ("SV", "READING", "OFFICE", "BIFOCAL", "PROGRESSIVE")
COUNT = pl.len().cast(pl.Float64)


def share(part: pl.Expr, whole: pl.Expr | None = None) -> pl.Expr:
    """Rows where `part` holds, of those where `whole` does."""
    of = COUNT if whole is None else whole.sum()
    return (part.sum() / of).alias("value")


def month(column: str) -> pl.Expr:
    return pl.col(column).dt.truncate("1mo").alias("month")


@pytest.fixture(scope="module")
def bought(ci):
    """Order lines with what came of them before as_of: days, quantities, whether in full and on time."""
    sent = ci.file("purchase_orders").select("order_ref", "vendor_code", sent_on=moment("sent_at").dt.date())
    key = ["order_ref", "store_code", "sku"]
    receipts = ci.file("goods_receipts").filter(pl.col("state") != "draft")
    received = receipts.select(
        "receipt_number", "state", pl.col("received_on").cast(pl.Date), accepted_on=moment("accepted_at").dt.date()
    )
    came = ci.file("goods_receipt_lines").join(received, on="receipt_number")
    taken = came.filter(pl.col("accepted_qty") > 0, pl.col("state") == "accepted", pl.col("accepted_on") < ci.as_of)
    came = came.filter(pl.col("received_on") < ci.as_of)
    rows = []
    sums = {row[:3]: row[3:] for row in came.group_by(key).agg(pl.col("received_qty", "rejected_qty").sum()).rows()}
    accepted: dict[tuple, list] = {}
    for *pair, day, quantity in taken.sort("accepted_on").select(*key, "accepted_on", "accepted_qty").rows():
        accepted.setdefault(tuple(pair), []).append((day, quantity))
    told = ci.file("purchase_order_lines").with_columns(pl.col("expected_on", "closed_on").cast(pl.Date))
    for line in told.join(sent, on="order_ref").filter(pl.col("state") != "draft").iter_rows(named=True):
        mine = accepted.get(tuple(line[name] for name in key), [])
        so_far, completed = 0, None
        for day, quantity in mine:
            so_far += quantity
            if completed is None and so_far >= line["ordered_qty"]:
                completed = day
        is_open = line["state"] == "open"
        ended = completed or (mine[-1][0] if mine and not is_open else None)
        came_in, refused = sums.get(
            tuple(line[name] for name in key), (line["received_qty"] + line["rejected_qty"], line["rejected_qty"])
        )
        taken_in = so_far if tuple(line[name] for name in key) in sums else line["received_qty"]
        called_off = (
            line["state"] == "cancelled" and taken_in == 0 and (line["closed_on"] or dt.date.min) <= line["expected_on"]
        )
        is_due = line["expected_on"] < ci.as_of and not called_off
        late = (ci.as_of - line["expected_on"]).days
        rows.append(
            {
                "vendor": line["vendor_code"], "month": line["expected_on"].replace(day=1), "sku": line["sku"],
                "days": (ended - line["sent_on"]).days if ended else None, "is_complete": completed is not None,
                "open": line["open_qty"], "is_due": is_due, "is_open": is_open,
                "is_otif": is_due and completed is not None and completed <= line["expected_on"],
                "ordered": line["ordered_qty"], "accepted": taken_in, "came": came_in, "refused": refused,
                "state": (None, "CRITICALLY_OVERDUE", "OVERDUE", "ON_TIME")[is_open * (1 + (late < 14) + (late < 1))],
            }
        )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.mark.recomputes("lead_time_mean", "lead_time_sd", "lead_time_p50", "lead_time_p90", "lead_times_censored")
def test_lead_times(ci, bought):
    ended = bought.filter(pl.col("days").is_not_null())
    by = ended.group_by("vendor")
    compare(ci, "lead_time_mean", "vendor", by.agg(pl.col("days").mean()))
    compare(ci, "lead_time_sd", "vendor", by.agg(pl.col("days").std()))
    for metric, level in (("lead_time_p50", 0.5), ("lead_time_p90", 0.9)):
        compare(ci, metric, "vendor", by.agg(pl.col("days").quantile(level, "linear")))
    running = bought.filter(pl.col("is_open") & ~pl.col("is_complete"))
    assert ci.ask("lead_times_censored").item() == running.height


@pytest.mark.recomputes("otif_share", "order_fill_share", "rejection_share")
def test_on_time_in_full_and_fill(ci, bought):
    due = bought.filter("is_due")
    compare(ci, "otif_share", "month", due.group_by("month").agg(share(pl.col("is_otif"))))
    compare(
        ci, "order_fill_share", "vendor", due.group_by("vendor").agg(pl.col("accepted").sum() / pl.col("ordered").sum())
    )
    rejected = bought.group_by("vendor").agg(pl.col("refused").sum() / pl.col("came").sum())
    compare(ci, "rejection_share", "vendor", rejected)


@pytest.mark.recomputes("backorder_lines", "backorder_units", "overdue_lines")
def test_backorders(ci, bought):
    waiting = bought.filter("is_open").group_by("state").len()
    found = ci.ask("backorder_lines", by=["backorder_state"])
    assert {row for row in found.rows() if row[0]} == set(waiting.rows())
    units = bought.filter("is_open").group_by("vendor").agg(pl.col("open").sum())
    found = {row for row in ci.ask("backorder_units", by=["vendor"]).rows() if row[1]}
    assert found == {row for row in units.rows() if row[1]}
    assert ci.ask("overdue_lines").item() == bought.filter(pl.col("state").str.contains("OVERDUE")).height


@pytest.mark.recomputes("transfer_yield_share", "transit_days_mean")
def test_transfers(ci):
    sent = ci.file("stock_transfers").with_columns(
        shipped_on=moment("shipped_at").dt.date(), arrived_on=moment("received_at").dt.date()
    )
    moved = ci.file("stock_transfer_lines").join(sent, on="transfer_ref").filter(pl.col("shipped_on") < ci.as_of)
    moved = moved.filter(pl.col("shipped_qty") > 0)
    arrived = moved.filter(pl.col("status") == "received")
    compare(
        ci, "transfer_yield_share", "to_store",
        arrived.group_by("to_store_code").agg(pl.col("received_qty").sum() / pl.col("shipped_qty").sum()),
    )  # fmt: skip
    days = moved.filter(pl.col("arrived_on") < ci.as_of)
    days = days.group_by("to_store_code").agg((pl.col("arrived_on") - pl.col("shipped_on")).dt.total_days().mean())
    compare(ci, "transit_days_mean", "to_store", days)


@pytest.fixture(scope="module")
def jobs(ci):
    """Jobs with their course, day by day."""
    events = ci.file("lab_job_events").with_columns(at=moment("happened_at")).with_columns(on=pl.col("at").dt.date())
    events = events.filter(pl.col("on") < ci.as_of).with_row_index("number").sort("at", "number")
    checked = events.filter((pl.col("from_state") == "qc") & pl.col("to_state").is_in(["ready", "qc_failed"]))
    lens = lines(ci).join(ci.file("lens_lines").select("sku", lens="kind"), on="sku", how="left")
    lens = lens.filter((pl.col("product_kind") == "lens") & pl.col("pair_group").is_not_null())
    rank = (
        pl.col("lens").fill_null("SV").replace_strict({kind: n for n, kind in enumerate(KINDS)}, return_dtype=pl.Int64)
    )
    kinds = lens.group_by("order_ref", "store_code", "pair_group").agg(rank.max().alias("rank"))
    remakes = (
        ci.file("remakes")
        .with_columns(money("spoilage_cost_amount"))
        .group_by("job_number")
        .agg(pl.len().alias("remade"), pl.col("spoilage_cost_amount").sum().alias("spoilt"))
    )
    ready = events.filter(pl.col("to_state") == "ready").group_by("job_number").agg(ready=pl.col("on").min())
    handed = events.filter(pl.col("to_state") == "delivered").group_by("job_number").agg(delivered=pl.col("on").max())
    first_qc = checked.group_by("job_number", maintain_order=True).agg(first_qc=pl.col("to_state").first())
    reported = ci.file("non_adapts").select("job_number", pl.col("reported_on").cast(pl.Date))
    order = ["order_ref", "store_code"]
    told = ci.file("lab_jobs").filter(pl.col("state") != "cancelled")
    told = told.join(orders(ci).select(*order, "booked_on"), on=order)
    told = told.join(kinds, on=[*order, "pair_group"], how="left")
    for course in (ready, handed, first_qc, remakes, reported):
        told = told.join(course, on="job_number", how="left")
    day = pl.duration(days=1)
    return told.with_columns(
        lens_kind=pl.col("rank").replace_strict(dict(enumerate(KINDS)), default="UNKNOWN"),
        promised=pl.col("promised_on").cast(pl.Date),
        days=pl.business_day_count(pl.col("booked_on") + day, pl.col("ready") + day),
    )


@pytest.mark.recomputes(
    "lab_turnaround_mean", "lab_turnaround_p50", "lab_turnaround_p90", "lab_on_time_share", "late_jobs"
)
def test_turnaround(ci, jobs):
    by = jobs.filter(pl.col("ready").is_not_null()).group_by("lens_kind")
    compare(ci, "lab_turnaround_mean", "lens_kind", by.agg(pl.col("days").mean()))
    compare(ci, "lab_turnaround_p50", "lens_kind", by.agg(pl.col("days").quantile(0.5, "linear")))
    compare(ci, "lab_turnaround_p90", "lens_kind", by.agg(pl.col("days").quantile(0.9, "linear")))
    promised = jobs.filter(pl.col("ready").is_not_null() & pl.col("promised").is_not_null())
    on_time = promised.group_by("lens_kind").agg(share(pl.col("ready") <= pl.col("promised")))
    compare(ci, "lab_on_time_share", "lens_kind", on_time)
    late = jobs.filter(pl.col("ready").is_null() & (pl.col("promised") < ci.as_of)).height
    assert ci.ask("late_jobs").item() == late


@pytest.mark.recomputes("first_pass_share", "spoilage_cost", "remake_share", "non_adapt_share")
def test_quality(ci, jobs):
    checked = jobs.filter(pl.col("first_qc").is_not_null())  # one that failed and is not ready yet has no month
    compare(
        ci, "first_pass_share", "month", checked.group_by(month("ready")).agg(share(pl.col("first_qc") == "ready"))
    )  # fmt: skip
    spoilt = jobs.filter(pl.col("spoilt").is_not_null())
    compare(ci, "spoilage_cost", "month", spoilt.group_by(month("ready")).agg(pl.col("spoilt").sum()))
    handed = jobs.filter(pl.col("delivered").is_not_null())
    again = (pl.col("remade").fill_null(0) > 0) | (pl.col("rework_count") > 0)
    compare(ci, "remake_share", "month", handed.group_by(month("delivered")).agg(share(again)))
    progressive = handed.filter(pl.col("lens_kind") == "PROGRESSIVE")
    days = (pl.col("reported_on") - pl.col("delivered")).dt.total_days()
    adapted = progressive.group_by("store_code").agg(share(days.is_between(0, 45).fill_null(False)))
    compare(ci, "non_adapt_share", "store", adapted)


@pytest.mark.recomputes("shrinkage_units", "shrinkage_cost", "shrinkage_share", "shrinkage_of_sales")
def test_counts(ci):
    posted = ci.file("stock_counts").filter(pl.col("status") == "posted").select("count_ref", "store_code")
    costs = ci.file("cost_history").select(
        "sku", pl.col("valid_from_on").cast(pl.Date), pl.col("unit_cost").cast(pl.Float64)
    )
    found = (
        ci.file("stock_count_lines").join(posted, on="count_ref").filter(pl.col("counted_qty").is_not_null())
        .with_columns(on=moment("counted_at").dt.date(), gap=pl.col("counted_qty") - pl.col("expected_qty"))
        .filter(pl.col("on") < ci.as_of).sort("on")
        .join_asof(costs.sort("valid_from_on"), left_on="on", right_on="valid_from_on", by="sku")
        .join(ci.file("products").select("sku", stated=pl.col("unit_cost").cast(pl.Float64)), on="sku")
        .with_columns(cost=pl.coalesce("unit_cost", "stated"))
    )  # fmt: skip
    lost = found.filter(pl.col("gap") < 0).group_by("store_code").agg(-(pl.col("gap") * pl.col("cost")).sum())
    compare(ci, "shrinkage_cost", "store", lost)
    units = found.filter(pl.col("gap") < 0).group_by("store_code").agg(-pl.col("gap").sum())
    compare(ci, "shrinkage_units", "store", units)
    net = pl.concat([
        lines(ci).select("store_code", amount="net_amount"),
        returns(ci).select(store_code="back_in", amount=-pl.col("taxable_amount")),
    ]).group_by("store_code").agg(pl.col("amount").sum())  # fmt: skip
    share_of = lost.with_columns(pl.col("gap").round(2)).join(net, on="store_code")
    compare(ci, "shrinkage_of_sales", "store", share_of.select("store_code", pl.col("gap") / pl.col("amount")))
    counted = found.group_by("store_code").agg((pl.col("counted_qty") * pl.col("cost")).sum().alias("counted"))
    compare(
        ci,
        "shrinkage_share",
        "store",
        lost.join(counted, on="store_code").select("store_code", pl.col("gap") / pl.col("counted")),
    )


@pytest.mark.recomputes("store_contribution")
def test_expenses_and_contribution(ci):
    spent = (
        ci.file("expenses")
        .filter(pl.col("state").is_in(["approved", "paid"]))
        .with_columns(money("amount", "tax_amount"))
    )
    spent = spent.filter(pl.col("spent_on").cast(pl.Date) < ci.as_of).with_columns(
        net=pl.col("amount") - pl.col("tax_amount")
    )
    compare(ci, "approved_expenses", "expense_category", spent.group_by("expense_category").agg(pl.col("net").sum()))
    by = spent.group_by("store_code").agg(pl.col("net").sum())
    sold, back = lines(ci), returns(ci)
    made = sold.group_by("store_code").agg(
        (pl.col("net_amount") - pl.col("quantity") * pl.col("cost_at_sale")).sum().alias("made")
    )
    given = back.group_by(store_code="back_in").agg(
        (pl.col("taxable_amount") - pl.col("quantity") * pl.col("cost_at_sale")).sum().alias("back")
    )
    left = by.join(made, on="store_code").join(given, on="store_code", how="left")
    value = pl.col("made") - pl.col("back").fill_null(0) - pl.col("net")
    compare(ci, "store_contribution", "store", left.select("store_code", value))


@pytest.mark.recomputes("outstanding", "orders_outstanding")
def test_what_is_owed(ci):
    key = ["order_ref", "store_code"]
    paid = ci.file("payments").with_columns(money("amount")).filter(pl.col("method") != "credit")
    paid = paid.filter(moment("received_at").dt.date() < ci.as_of)
    sign = pl.when(pl.col("kind") == "refund").then(-1).otherwise(1)
    paid = paid.group_by(key).agg((pl.col("amount") * sign).sum().alias("paid"))
    back = returns(ci).group_by(key).agg((pl.col("taxable_amount") + pl.col("tax_amount")).sum().alias("back"))
    owed = orders(ci).with_columns(money("total_amount")).filter(pl.col("total_amount").is_not_null())
    owed = owed.join(paid, on=key, how="left").join(back, on=key, how="left").fill_null(0)
    owed = owed.with_columns(rest=(pl.col("total_amount") - pl.col("paid") - pl.col("back")).round(2))
    owed = owed.filter(pl.col("rest") > 0)
    compare(ci, "outstanding", "store", owed.group_by("store_code").agg(pl.col("rest").sum()))
    assert ci.ask("orders_outstanding").item() == owed.height
