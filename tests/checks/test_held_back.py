"""What is held back: rows, store-days and pairs that break a rule, until they are corrected or waived."""

from __future__ import annotations

import datetime as dt
import re

import duckdb
import polars as pl
import pytest

from expectations.check import Waiver
from expectations.rules import holding_rules
from models.policy.held import hold_back_orders
from models.policy.plan import PLAN_SCHEMA
from pipelines import held_back
from pipelines.held_back import TABLES, hold_back
from warehouse.transformations import tables

FUTURE = "UPDATE lake.raw.sales_order_lines SET sold_on = DATE '2024-04-16'"
SOON = dt.date(2100, 1, 1)


@pytest.fixture(autouse=True)
def without_a_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lake of these tests is a plain DuckDB file, without the table of the stamps."""
    monkeypatch.setattr(held_back, "table_stamps", lambda con: {})
    monkeypatch.setattr(held_back, "stamp_all", lambda con, stamps: None)
    for name in ("Changes", "current_snapshot"):
        monkeypatch.setattr(held_back, name, lambda con: 0)


def waive(check: str, store: str | None) -> Waiver:
    return Waiver("raw.sales_order_lines", check, store, "known", "ana", SOON)


def aside(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    query = "SELECT table_name, row_id, check_names, store_code, day_on FROM lake.checks.quarantine"
    return con.execute(query).fetchall()


def test_a_sound_lake_has_nothing_to_hold_back(con):
    assert hold_back(con) == dict.fromkeys(TABLES.values(), 0)


def test_a_row_is_set_aside_and_comes_back_when_it_is_corrected(con):
    con.execute(FUTURE)
    assert hold_back(con)["checks.quarantine"] == 1
    assert aside(con) == [("sales_order_lines", 1, "sold_before_the_data_end", "S1", dt.date(2024, 4, 16))]
    con.execute("UPDATE lake.raw.stores SET closed_on = DATE '2024-04-12' WHERE store_code = 'S1'")
    hold_back(con)
    assert aside(con)[0][2] == "sold_before_the_data_end, sold_while_the_store_was_open"
    con.execute("UPDATE lake.raw.sales_order_lines SET sold_on = DATE '2024-04-09'")
    hold_back(con)
    assert aside(con) == []


@pytest.mark.parametrize(("store", "rows"), [(None, 0), ("S1", 0), ("S2", 1)])
def test_what_is_waived_is_not_held_back(con, store: str | None, rows: int):
    con.execute(FUTURE)
    assert hold_back(con, [waive("sold_before_the_data_end", store)])["checks.quarantine"] == rows


def test_days_and_pairs_are_named(con, breaks):
    con.execute(breaks["raw.stores", "no_day_of_sales_is_missing"])
    con.execute(breaks["raw.stock_moves", "on_hand_is_not_negative"].format(table="raw.stock_moves"))
    hold_back(con)
    assert con.execute("SELECT store_code, day_on, check_names FROM lake.checks.blocked_days").fetchall() == [
        ("S2", dt.date(2024, 3, 11), "no_day_of_sales_is_missing")
    ]
    assert con.execute("SELECT store_code, sku, check_names FROM lake.checks.blocked_pairs").fetchall() == [
        ("S1", "A", "on_hand_is_not_negative")
    ]


def test_every_reader_of_a_table_whose_rows_are_set_aside_leaves_them_out():
    tables_held = {check.table.split(".")[1] for check in holding_rules() if check.holds_back == "rows"}
    silent = [
        f"{each.full_name} reads raw.{name}"
        for each in tables()
        for name in tables_held
        # what is only looked up to tell a doubled return is not counted
        if re.search(rf"(?:FROM|(?<!ANTI )JOIN) raw\.{name}\b", each.sql)
        and f"q.table_name = '{name}'" not in each.sql
        and each.schema == "staging"
    ]
    assert silent == []


def test_no_order_is_suggested_for_a_pair_that_is_not_believed():
    row = dict.fromkeys(PLAN_SCHEMA) | {"store_code": "S1", "sku": "A", "suggested_qty": 6, "reason": "BELOW_TARGET"}
    plan = pl.DataFrame([row, {**row, "sku": "B"}], schema=PLAN_SCHEMA)
    blocked = pl.DataFrame({"store_code": ["S1"], "sku": ["A"], "check_names": ["x"]})
    held = hold_back_orders(plan, blocked, dt.date(2024, 4, 15))
    assert held.select("sku", "suggested_qty", "reason").rows() == [("A", 0, "DQ_BLOCKED"), ("B", 6, "BELOW_TARGET")]
    assert held.schema == plan.schema
    assert hold_back_orders(plan, blocked.clear(), dt.date(2024, 4, 15)).equals(plan)
