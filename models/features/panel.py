"""The weekly panel: the demand and catalog frames as dense arrays, one row per series, one column per week.

Reads the `demand` and `catalog` frames, writes nothing. No feature and no model belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Below half a week on the shelf, what sold says too little about what was wanted to be scaled up to one number.
LEAST_SHARE = 0.5
# A model weighs weeks by their days, and needs them all: the day that sells the only piece empties the shelf, so that
# to leave out weeks that were mostly empty is to leave out sales, and not the weeks without one.
ANY_DAY = 0.05


@dataclass(frozen=True)
class Panel:
    """Weekly demand of every series, cut before `end`.

    series: store_code, sku, one row per series, sorted: the row order of every array.
    start: Monday of column 0. `n_weeks` columns follow each other without a gap.
    demand: (n_series, n_weeks) units asked for in a full week on the shelf; 0 where weight is 0.
    weight: (n_series, n_weeks) 0 = not observed (before the series began, out of stock), else in-stock share.
    codes: name of a grouping -> (n_series,) dense code; always store, sku, category, subcategory, brand, cluster,
        region, chain, store_category, store_subcategory.
    launched, discontinued: (n_series,) week index of the first and the last week of sale; far away when unknown.
    categories: names by code of the category.
    heirs: (n_series,) whether the weeks before `begins`, the series' own first column, are its predecessor's; or None.
    powers: (n_series, n_weeks + 1) what a lens power is worth a week (powers.py), nan for others; or None.
    slots: column -> week of the year whose season it has, where a festival moved it (festivals.py).
    """

    series: pl.DataFrame
    start: date
    demand: Floats
    weight: Floats
    codes: dict[str, Ints]
    launched: Ints
    discontinued: Ints
    categories: tuple[str, ...] = ("",)
    heirs: NDArray[np.bool_] | None = None
    begins: Ints | None = None
    powers: NDArray[np.float32] | None = None
    slots: dict[int, int] = field(default_factory=dict)

    @property
    def n_series(self) -> int:
        return int(self.demand.shape[0])

    @property
    def n_weeks(self) -> int:
        return int(self.demand.shape[1])

    def index_of(self, day: date) -> int:
        """Column of the week holding `day`; may lie outside 0..n_weeks-1."""
        return (monday_of(day) - self.start).days // 7

    def monday(self, index: int) -> date:
        """Monday of a column, also of one that is still to come."""
        return self.start + timedelta(weeks=index)

    def weeks_of_year(self, first: int, last: int) -> Ints:
        """Slot of the year 0..51 of columns first..last-1: the ISO week, 53 as 52, unless a festival moved it."""
        weeks = [self.slots.get(i, min(self.monday(i).isocalendar().week, 52) - 1) for i in range(first, last)]
        return np.array(weeks, dtype=np.int64)


def monday_of(day: date) -> date:
    """Monday of the week that holds `day`: 2024-04-18 (a Thursday) -> 2024-04-15."""
    return day - timedelta(days=day.weekday())


def build_panel(demand: pl.DataFrame, catalog: pl.DataFrame, end: date, least: float = LEAST_SHARE) -> Panel:
    """Panel of the catalog's pairs from complete weeks that end before or on `end` (a Monday).

    A week partly on the shelf counts as demand / share with weight share; under `least` of it it is missing.
    Pairs that the catalog does not name are not forecast. Raises ValueError on a repeated pair or pair-week.
    """
    series = catalog.sort("store_code", "sku")
    if series.select("store_code", "sku").is_duplicated().any():
        raise ValueError("catalog: a pair (store_code, sku) appears more than once")
    rows = _observed(demand, end, least).join(
        series.select("store_code", "sku").with_row_index("row"), on=["store_code", "sku"], how="inner"
    )
    start = monday_of(rows["week_starting_on"].min()) if rows.height else end  # type: ignore[arg-type]  # polars types min() as any scalar
    n_weeks = max((end - start).days // 7, 0)
    quantity = np.zeros((series.height, n_weeks))
    weight = np.zeros((series.height, n_weeks))
    at = rows["row"].to_numpy().astype(np.int64)
    column = ((rows["week_starting_on"] - start).dt.total_days() // 7).to_numpy().astype(np.int64)
    flat = at * max(n_weeks, 1) + column
    if np.unique(flat).size != flat.size:
        raise ValueError("demand: a week of a pair appears more than once")
    share = rows["in_stock_share"].to_numpy().astype(np.float64)
    quantity[at, column] = rows["demand_qty"].to_numpy() / share
    weight[at, column] = share
    return Panel(
        series=series.select("store_code", "sku"),
        start=start,
        demand=quantity,
        weight=weight,
        codes=_codes(series),
        launched=_week_index(series["launched_on"], start, -(10**6)),
        discontinued=_week_index(series["discontinued_on"], start, 10**6),
        categories=tuple(series["category"].cast(pl.String).fill_null("").unique().sort().to_list()),
    )


def cut_panel(panel: Panel, n_weeks: int) -> Panel:
    """The same panel as it was known before column `n_weeks`."""
    return replace(panel, demand=panel.demand[:, :n_weeks], weight=panel.weight[:, :n_weeks])


def close_stores(panel: Panel, stores: pl.DataFrame) -> Panel:
    """The panel with nothing sold after the week in which a store closes; `stores`: store_code, closed_on."""
    closing = stores.filter(pl.col("closed_on").is_not_null())
    if closing.is_empty():
        return panel
    last = panel.series.join(closing.unique("store_code"), on="store_code", how="left", maintain_order="left")
    closes = _week_index(last["closed_on"], panel.start, 10**6)
    return replace(panel, discontinued=np.minimum(panel.discontinued, closes))


def _observed(demand: pl.DataFrame, end: date, least: float) -> pl.DataFrame:
    share = pl.col("in_stock_share").fill_null(1.0).clip(0.0, 1.0)
    return demand.filter(
        pl.col("is_complete"),
        pl.col("week_starting_on") < end,
        pl.col("demand_qty").is_not_null(),
        share >= least,
    ).select(
        "store_code",
        "sku",
        "week_starting_on",
        pl.col("demand_qty").cast(pl.Float64).clip(lower_bound=0.0),
        in_stock_share=share,
    )


def _codes(series: pl.DataFrame) -> dict[str, Ints]:
    names = ["store_code", "sku", "category", "subcategory", "brand", "cluster", "region"]
    codes = {name.removesuffix("_code"): _dense(series[name]) for name in names}
    codes["chain"] = np.zeros(series.height, dtype=np.int64)
    for name in ("category", "subcategory"):
        pair = codes["store"] * (codes[name].max(initial=0) + 1) + codes[name]
        codes[f"store_{name}"] = np.unique(pair, return_inverse=True)[1].astype(np.int64)
    return codes


def _dense(values: pl.Series) -> Ints:
    # A rank of the text, not of first appearance: the order of input rows must not matter.
    return values.cast(pl.String).fill_null("").rank("dense").to_numpy().astype(np.int64) - 1


def _week_index(days: pl.Series, start: date, unknown: int) -> Ints:
    filled = [unknown if day is None else (monday_of(day) - start).days // 7 for day in days.to_list()]
    return np.array(filled, dtype=np.int64)
