"""Features, forecast and policy of a chain as large as is asked for: its stores copied, group by group of them.

Stock, supply terms and costs are made up: two weeks on hand, two weeks of lead, a week's review.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from ims.bench.forecast.chain import Chain
from ims.bench.forecast.run import measure
from ims.progress import Progress
from models.forecast.engine import forecast
from models.forecast.partition import MOST_SERIES, split_stores
from models.forecast.weekly import forecast_weekly
from models.policy.plan import plan_orders

HORIZON = 16
ARRIVALS = {"store_code": pl.String, "sku": pl.String, "expected_on": pl.Date, "quantity": pl.Int64}


def bench_scale(chain: Chain, copies: int, progress: Progress) -> dict[str, Any]:
    """Seconds and highest memory of each group; `copies` of every store, each a store of its own.

    Each group is read, forecast and planned before the next: what must be held at a time does not grow.
    """
    groups = [(copy, stores) for copy in range(copies) for stores in split_stores(chain.catalog, MOST_SERIES)]
    steps: list[dict[str, float]] = []
    for done, (copy, stores) in enumerate(groups):
        progress("groups of stores", done, len(groups))
        part = _copy_stores(chain, copy, stores)
        with measure() as whole:
            with measure() as first:
                made = forecast(part.demand, part.catalog, part.as_of, HORIZON, known=part.known)
                weekly = forecast_weekly(made, part.as_of)
            with measure() as second:
                plan = plan_orders(
                    part.demand,
                    part.catalog,
                    _stock(part),
                    pl.DataFrame(schema=ARRIVALS),
                    _terms(part),
                    part.as_of,
                    "lost",
                    made,
                )
        steps.append(
            {
                "series": part.catalog.height,
                "rows": weekly.height + plan.height,
                "forecast_seconds": first["seconds"],
                "policy_seconds": second["seconds"],
                "seconds": whole["seconds"],
                "cpu_seconds": whole["cpu_seconds"],
                "peak_mb": max(first["peak_mb"], second["peak_mb"]),
            }
        )
    progress("groups of stores", len(groups), len(groups))
    return {
        "chain": chain.name,
        "copies": copies,
        "series": sum(int(step["series"]) for step in steps),
        "groups": steps,
    }


def scale_report(found: dict[str, Any]) -> list[str]:
    """A line a group, and what a run of all of them took."""
    lines = [f"{'group':>5}{'series':>9}{'forecast s':>12}{'policy s':>10}{'clock s':>9}{'cpu s':>8}{'MB':>7}"]
    for at, step in enumerate(found["groups"]):
        lines.append(
            f"{at + 1:>5}{step['series']:>9,}{step['forecast_seconds']:>12.1f}{step['policy_seconds']:>10.1f}"
            f"{step['seconds']:>9.1f}{step['cpu_seconds']:>8.1f}{step['peak_mb']:>7.0f}"
        )
    total = sum(step["seconds"] for step in found["groups"])
    peak = max(step["peak_mb"] for step in found["groups"])
    lines.append(
        f"{found['series']:,} series in {total:.0f} s, at most {peak:,.0f} MB (30,490 series: 90 s, 4,096 MB)."
    )
    return lines


def _copy_stores(chain: Chain, copy: int, stores: list[str]) -> Chain:
    keep = pl.col("store_code").is_in(stores)
    name = pl.col("store_code") + (f"-{copy}" if copy else "")
    demand, catalog = (frame.filter(keep).with_columns(name) for frame in (chain.demand, chain.catalog))
    return replace(chain, demand=demand, catalog=catalog)


def _stock(part: Chain) -> pl.DataFrame:
    recent = part.demand.filter(pl.col("week_starting_on") >= pl.lit(part.as_of).dt.offset_by("-13w"))
    held = recent.group_by("store_code", "sku").agg((2.0 * pl.col("demand_qty").mean()).round().alias("on_hand_qty"))
    pairs = part.catalog.select("store_code", "sku").join(held, on=["store_code", "sku"], how="left")
    return pairs.with_columns(pl.col("on_hand_qty").fill_null(0).cast(pl.Int64), on_order_qty=pl.lit(0, dtype=pl.Int64))


def _terms(part: Chain) -> pl.DataFrame:
    numbers = {
        "lead_time_days": 14, "review_period_days": 7, "moq": 1, "pack_size": 1, "unit_cost": 4.0,
        "holding_cost_per_unit_week": 0.05, "shortage_cost_per_unit": 1.0,
    }  # fmt: skip
    unknown = ("lead_time_sd_days", "service_level", "display_min")
    return part.catalog.select("store_code", "sku").with_columns(
        pl.lit("V").alias("vendor_code"),
        *(pl.lit(value).alias(name) for name, value in numbers.items()),
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in unknown),
    )
