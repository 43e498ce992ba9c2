"""What a season is planned from beside the figures: published totals, festivals, weeks of last year, the budget.

Whether a store may be seen is settled before asking.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import polars as pl

# One row per store of the category and week, and one per week of all stores
OUTLOOK = """
SELECT store_code, week_starting_on, mean_qty, p10, p90 FROM lake.outputs.forecast_totals
WHERE level IN ('category', 'store_category') AND category = ? ORDER BY store_code, week_starting_on
"""
# One row per festival day of the year to come
FESTIVALS = """
SELECT festival, day_on FROM lake.marts.dim_festival WHERE day_on BETWEEN ? AND CAST(? AS DATE) + 366 ORDER BY day_on
"""
# One row per week: a week is where its Thursday is
ALIGNED = """
SELECT day_on, aligned_on FROM lake.marts.dim_date WHERE isodow(day_on) = 4 ORDER BY day_on
"""
NO_LIMIT = 1e9  # the setting's own default
BUDGET = "SELECT try_cast(value AS DOUBLE) FROM lake.staging.chain_settings WHERE key = 'order_budget_amount'"


def read_outlook(con: duckdb.DuckDBPyConnection, category: str) -> pl.DataFrame:
    """store_code (null: all), week_starting_on, mean_qty, p10, p90."""
    return con.execute(OUTLOOK, [category]).pl()


def read_festivals(con: duckdb.DuckDBPyConnection, as_of: dt.date) -> list[tuple[str, dt.date]]:
    """(name, day) of those within a year."""
    return con.execute(FESTIVALS, [as_of, as_of]).fetchall()


def read_aligned_weeks(con: duckdb.DuckDBPyConnection) -> dict[dt.date, dt.date]:
    """Monday -> Monday of the week of the year before that lay the same way to its festival."""
    return {_monday(day): _monday(then) for day, then in con.execute(ALIGNED).fetchall() if then is not None}


def read_order_budget(con: duckdb.DuckDBPyConnection) -> float | None:
    """What the orders of one run may cost together; None where nobody has set it, or so much that it limits nothing."""
    import duckdb

    try:
        row = con.execute(BUDGET).fetchone()
    except duckdb.CatalogException:
        return None
    return None if row is None or row[0] is None or row[0] >= NO_LIMIT else float(row[0])


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())
