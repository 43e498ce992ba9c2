"""Reads what is published, from the copy of it or from the lake: one connection per snapshot, one transaction per page.

What is read is cached by (lake, snapshot, question), and a snapshot never changes: no answer is ever stale. Whether a
store may be seen is settled before asking. Holds no aggregate.
"""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import duckdb
import polars as pl
import streamlit as st

from api.identity.scope import Scope
from dashboards import copies
from dashboards.installation import given_databases
from ims.settings import get_settings
from warehouse import metrics
from warehouse.lake import connect
from warehouse.transactions import reading

HISTORY = """
SELECT week_starting_on, demand_qty, in_stock_share, is_complete FROM lake.marts.fct_demand_weekly
WHERE store_code = ? AND sku = ? AND week_starting_on >= ? ORDER BY week_starting_on
"""
FORECAST = "SELECT * FROM lake.outputs.forecast_weekly WHERE store_code = ? AND sku = ? ORDER BY week_starting_on"
ARRIVALS = "SELECT expected_on, quantity FROM lake.marts.fct_arrivals WHERE store_code = ? AND sku = ? ORDER BY 1"
STORES = "SELECT store_code, name FROM lake.marts.dim_store ORDER BY store_code"
NAMED = {
    "item": "SELECT sku, name FROM lake.marts.dim_product ORDER BY sku",
    "vendor": "SELECT vendor_code, name FROM lake.marts.dim_vendor ORDER BY vendor_code",
}
CATEGORIES = "SELECT DISTINCT category FROM lake.marts.dim_product ORDER BY category"
HISTORY_WEEKS = 52


class _Held(threading.local):
    """What a thread reads through: Streamlit runs each page in a thread of its own, and it ends with the page."""

    place: tuple[str, int] | None = None
    cursor: duckdb.DuckDBPyConnection | None = None


_held = _Held()


def lake_at(snapshot_id: int) -> duckdb.DuckDBPyConnection:
    """The page's cursor on the lake as it was published; tables are named in full (`lake.marts.x`)."""
    place = (given_databases().lake, snapshot_id)
    if _held.cursor is None or _held.place != place or not _is_usable(_held.cursor):
        copy = copies.copy_of(*place)
        _held.place, _held.cursor = place, reading(_open(*place) if copy is None else copy)
    return _held.cursor


def _is_usable(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether its transaction goes on: a question that failed, or a lost server, may have ended it."""
    try:
        cursor.execute("SELECT 1")
    except duckdb.Error:
        return False
    return True


def read_history(snapshot_id: int, store_code: str, sku: str, as_of: dt.date) -> pl.DataFrame:
    """The last year of weekly demand of a pair: week_starting_on, demand_qty, in_stock_share, is_complete."""
    begin = as_of - dt.timedelta(weeks=HISTORY_WEEKS)
    return _read(given_databases().lake, snapshot_id, HISTORY, (store_code, sku, begin))


def read_forecast(snapshot_id: int, store_code: str, sku: str) -> pl.DataFrame:
    """The published weekly forecast of a pair: mean_qty, p05 to p95, method."""
    return _read(given_databases().lake, snapshot_id, FORECAST, (store_code, sku))


def read_arrivals(snapshot_id: int, store_code: str, sku: str) -> pl.DataFrame:
    """What is on order for a pair: expected_on, quantity."""
    return _read(given_databases().lake, snapshot_id, ARRIVALS, (store_code, sku))


def read_places(snapshot_id: int, scope: Scope) -> tuple[dict[str, str], list[str]]:
    """What one can filter by: the names of the stores in the scope by code, and the categories."""
    lake = given_databases().lake
    stores = _read(lake, snapshot_id, STORES, ()).rows()
    categories = _read(lake, snapshot_id, CATEGORIES, ())["category"].to_list()
    return {code: name for code, name in stores if scope.allows(code)}, categories


def read_named(snapshot_id: int, kind: str, codes: list[str]) -> dict[str, str]:
    """The names of these items or vendors (`kind`: item, vendor) by code; what has none is left out."""
    named = _read(given_databases().lake, snapshot_id, NAMED[kind], ())
    found = named.filter(pl.col(named.columns[0]).is_in(codes)).rows()
    return {code: name for code, name in found if name is not None}


def read_values(snapshot_id: int, scope: Scope, dimension: str) -> list[str]:
    """What a dimension of stores or products can be, inside the scope."""
    return _values(given_databases().lake, snapshot_id, scope, dimension)


@st.cache_data(show_spinner=False, max_entries=500)
def _values(lake: str, snapshot_id: int, scope: Scope, dimension: str) -> list[str]:
    return metrics.values_of(lake_at(snapshot_id), dimension, scope=question_scope(scope))


def question_scope(scope: Scope) -> metrics.Scope:
    """What the policy says of the viewer, as the metric layer asks for it."""
    return metrics.Scope(scope.store_codes, scope.sees_cost, scope.reports, scope.own)


@st.cache_data(show_spinner=False, max_entries=2000)
def _read(lake: str, snapshot_id: int, query: str, values: tuple[Any, ...]) -> pl.DataFrame:
    return lake_at(snapshot_id).execute(query, values).pl()


def put_down() -> None:
    """End what this thread reads through, where it is no page's and lives on."""
    _held.place = _held.cursor = None


def let_go() -> None:
    """Close what is open of the lake, before the process ends: at its end, DuckDB may abort it."""
    put_down()
    copies.let_go()
    _open.clear()


@st.cache_resource(show_spinner=False, max_entries=4)
def _open(lake: str, snapshot_id: int) -> duckdb.DuckDBPyConnection:
    return connect(given_databases(), get_settings(), snapshot=snapshot_id, read_only=True)
