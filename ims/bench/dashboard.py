"""Twenty questions as dashboards ask them, by the metric engine: of the copy that pages ask, of the lake, of a file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ims.bench.dashboards.figures import quantile
from ims.bench.world import Progress
from warehouse.copied import write_tables
from warehouse.metrics import query
from warehouse.scope import Scope
from warehouse.transactions import reading

if TYPE_CHECKING:
    import duckdb

TABLES = """
SELECT schema_name, table_name FROM duckdb_tables()
WHERE database_name = 'lake' AND schema_name IN ('staging', 'marts', 'outputs')
"""
EVERYTHING = Scope(stores=None, can_see_cost=True)
# metrics, by, where; the last year and category stand for what a person chose
QUESTIONS: tuple[tuple[tuple[str, ...], tuple[str, ...], Mapping[str, Any]], ...] = (
    (("net_sales",), (), {}),
    (("net_sales", "units_sold"), ("month",), {}),
    (("net_sales", "units_sold"), ("day",), {"year": "last"}),
    (("net_sales", "gross_margin", "gross_margin_share"), ("store",), {}),
    (("net_sales", "gross_margin_share"), ("store", "month"), {"year": "last"}),
    (("net_sales",), ("category", "month"), {}),
    (("net_sales", "average_price"), ("brand",), {"category": "first"}),
    (("net_sales", "returns_share"), ("region", "quarter"), {}),
    (("units_sold",), ("weekday",), {}),
    (("discount_rate", "average_order"), ("month",), {}),
    (("units_sold", "net_sales"), ("sku",), {"year": "last", "category": "first"}),
    (("net_sales", "cost_of_sales"), ("city",), {"year": "last"}),
    (("returns_units", "returns_share"), ("category",), {}),
    (("gross_margin_share",), ("subcategory",), {}),
    (("stock_on_hand", "stock_on_order"), ("store",), {}),
    (("stock_value",), ("category",), {}),
    (("empty_share",), ("store", "category"), {}),
    (("mean_stock_value",), ("month",), {}),
    (("demand_units", "stock_out_share"), ("month",), {}),
    (("stock_out_rate",), ("store",), {"year": "last"}),
)


def time_questions(
    con: duckdb.DuckDBPyConnection, copy: duckdb.DuckDBPyConnection, scratch: Path, times: int, progress: Progress
) -> list[dict[str, Any]]:
    """Milliseconds of each question, warm: of the lake, of the `copy` that pages ask, of its tables in a native file.

    `con` reads the lake, pinned to a snapshot. A question is put to all of them in turn, time after time, so that
    whatever else the machine does is felt by all.
    """
    import duckdb

    path = scratch / "native.duckdb"
    write_tables(con, con.execute(TABLES).fetchall(), path)
    lake, page = reading(con), reading(copy)
    with duckdb.connect() as native:
        native.execute("SET TimeZone = 'UTC'")
        native.execute(f"ATTACH '{path}' AS lake (READ_ONLY)")
        chosen = choose(con)
        rows = []
        for place, (metrics, by, where) in enumerate(QUESTIONS):
            progress("questions", place, len(QUESTIONS))
            given = {name: chosen[name] for name in where}
            found = _times({"": lake, "page_": page, "native_": native}, metrics, by, given, times)
            shares = {"p50_ms": 0.5, "p95_ms": 0.95}
            timed = {f"{who}{name}": _quantile(found[who], share) for who in found for name, share in shares.items()}
            rows.append({"question": _words(metrics, by, where)} | timed)
    return rows


def _words(metrics: Sequence[str], by: Sequence[str], where: Mapping[str, Any]) -> str:
    limits = "".join(f", one {name}" for name in where)
    return f"{' + '.join(metrics)} by {' + '.join(by) or 'all'}{limits}"


def choose(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What a person may have limited a question to: the last year, the first category."""
    year = "SELECT CAST(date_trunc('year', max(booked_on)) AS DATE) FROM lake.marts.fct_sales_lines"
    category = "SELECT min(category) FROM lake.marts.dim_product"
    return {name: con.execute(text).fetchall()[0][0] for name, text in (("year", year), ("category", category))}


def _times(
    asked: Mapping[str, duckdb.DuckDBPyConnection],
    metrics: Sequence[str],
    by: Sequence[str],
    where: Mapping[str, Any],
    times: int,
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {who: [] for who in asked}
    for turn in range(times + 1):
        for who, con in asked.items():
            began = time.perf_counter()
            query(con, metrics, by, where, scope=EVERYTHING)
            if turn:  # the first reads files that the next find in memory
                found[who].append(1000 * (time.perf_counter() - began))
    return found


def _quantile(values: Sequence[float], share: float) -> float:
    return round(quantile(sorted(values), share), 2)
