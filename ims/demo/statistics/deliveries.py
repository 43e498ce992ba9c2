"""Figures of supply: lead times, short and refused deliveries, promises, transfers, counts."""

from __future__ import annotations

import polars as pl

from ims.demo.history import History
from ims.demo.supply import STOCK
from ims.demo.world import World


def measure_deliveries(world: World, history: History) -> dict[str, float]:
    """Shares of lines or units; lead times in days from order to arrival, of stock orders that have arrived."""
    category = pl.Series(world.pairs.category)
    terms = world.catalogue.frame.select("lead_mean", "vendor_code").with_row_index("sku")
    lines = history.purchases.filter(pl.col("kind") == STOCK, pl.col("arrival_day") < world.days)
    lines = lines.filter(pl.col("arrival_day") < pl.Series(world.pairs.close_day).gather(lines["pair"]))
    lines = lines.with_columns(
        lead=pl.col("arrival_day") - pl.col("day"),
        category=category.gather(lines["pair"]),
        sku=pl.Series(world.pairs.sku).gather(lines["pair"]).cast(pl.UInt32),
    )
    lines = lines.join(terms, on="sku", how="left", maintain_order="left")
    orders = lines.unique("order")
    figures = {
        "short lines / all": (lines["received"] < lines["quantity"]).mean(),
        "refused units / all": _ratio(lines["rejected"], lines["received"]),
        "orders without a date / all": (orders["promised_day"] < 0).mean(),
        "lines on time and in full / all": _share_in_full(lines),
    }
    for index, kind in enumerate(world.categories):
        own = lines.filter(pl.col("category") == index)
        for usual in sorted(own["lead_mean"].unique()):
            some = own.filter(pl.col("lead_mean") == usual).unique("order")
            figures[f"lead time / {kind.key}, quoted {usual:.0f}"] = some["lead"].mean()
            figures[f"lead time sd / {kind.key}, quoted {usual:.0f}"] = some["lead"].std()
    figures |= _measure_worst(world, lines)
    moved = history.transfers
    if len(moved):
        figures["transferred units received good / all"] = _ratio(moved["received"], moved["shipped"])
        figures["transfer lines a week / all"] = len(moved) / world.profile.weeks
    counted = history.counts
    if len(counted):
        figures["found missing of counted units / all"] = 1 - _ratio(counted["counted"], counted["expected"])
    return {name: float(value) for name, value in figures.items() if value is not None}  # type: ignore[arg-type]


def _ratio(part: pl.Series, whole: pl.Series) -> float:
    return float(part.sum()) / float(whole.sum())


def _share_in_full(lines: pl.DataFrame) -> float:
    promised = lines.filter(pl.col("promised_day") >= 0)
    good = (promised["arrival_day"] <= promised["promised_day"]) & (
        promised["received"] - promised["rejected"] == promised["quantity"]
    )
    return float(good.sum() / len(promised))


def _measure_worst(world: World, lines: pl.DataFrame) -> dict[str, float]:
    """How much longer each vendor takes in the second half of the history: the one that gets worse stands out."""
    half = world.days // 2
    orders = lines.unique("order")
    ratio = orders.group_by("vendor", "category").agg(
        slower=pl.col("lead").filter(pl.col("day") > half).mean() / pl.col("lead").filter(pl.col("day") <= half).mean(),
        orders=pl.len(),
    )
    return {"slowdown of the worst vendor / all": ratio.filter(pl.col("orders") >= 20)["slower"].max()}  # type: ignore[dict-item]
