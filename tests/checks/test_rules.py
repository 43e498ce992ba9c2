"""Every rule passes on a sound lake and fails on one that breaks it; shape checks likewise, one of each kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from expectations.rules import read_rules
from expectations.runner import run_suite
from expectations.suites import checked_tables
from warehouse.contracts import contracts

DAY = dt.date(2024, 4, 15)
WEEKS = [DAY + dt.timedelta(weeks=week) for week in range(16)]
LEVELS = [f"p{level:02d}" for level in range(5, 100, 5)]
PAIR = {"store_code": "S1", "sku": "A"}
RECEIVED = {"expected_on": DAY + dt.timedelta(days=3), "quantity": 4}
DEFAULTS = {"VARCHAR": "x", "BIGINT": 1, "INTEGER": 1, "DOUBLE": 1.0, "BOOLEAN": True, "DATE": DAY}
ROWS: dict[str, list[dict[str, object]]] = {
    "raw.sales_orders": [{"sales_order_id": 1, "status": "delivered"}],
    "raw.sales_order_lines": [{"sales_order_id": 1, "quantity": 3, "net_amount": 30, "sold_on": dt.date(2024, 4, 9)}],
    "raw.daily_sales": [{"sold_qty": 2, "returned_qty": 1, "net_amount": 10, "sold_on": dt.date(2024, 4, 10)}],
    "staging.chain": [{"as_of": DAY, "data_as_of": DAY}],
    "raw.chain": [{"as_of": DAY}],
    "raw.stores": [{"store_code": "S1", "opened_on": dt.date(2020, 1, 1), "closed_on": None}],
    "staging.sales": [{**PAIR, "sold_on": dt.date(2024, 4, 9), "sold_qty": 3, "returned_qty": 0, "net_amount": 30}],
    "marts.dim_store": [{"store_code": "S1"}],
    "marts.dim_product": [{"sku": "A", "unit_price": 10, "is_active": True}],
    "marts.dim_date": [{"day_on": DAY}],
    "marts.dim_assortment": [{**PAIR, "unit_price": 10.0, "unit_cost": 4.0, "is_in_assortment": True}],
    "marts.dim_supply_terms": [{**PAIR, "lead_time_days": 3, "review_period_days": 7, "moq": 6, "pack_size": 3}],
    "marts.fct_sales_daily": [{**PAIR, "sold_qty": 5, "returned_qty": 1, "net_qty": 4, "net_amount": 40}],
    "marts.fct_stock_daily": [
        {**PAIR, "from_on": dt.date(2024, 4, 1), "to_on": dt.date(2024, 4, 7), "on_hand_qty": 3},
        {**PAIR, "from_on": dt.date(2024, 4, 8), "to_on": None, "on_hand_qty": 2},
    ],
    "marts.fct_demand_weekly": [
        {**PAIR, "week_starting_on": dt.date(2024, 4, day), "demand_qty": 2.0, "in_stock_share": 1.0} for day in (1, 8)
    ],
    "marts.fct_inventory_position": [{**PAIR, "on_hand_qty": 2, "on_order_qty": 4}],
    "marts.fct_open_orders": [{**PAIR, **RECEIVED, "is_taken_as_received": False}],
    "marts.fct_arrivals": [{**PAIR, **RECEIVED}],
    "outputs.forecast_weekly": [
        {**PAIR, "as_of": DAY, "week_starting_on": week, **{level: place for place, level in enumerate(LEVELS)}}
        for week in WEEKS
    ],
    "outputs.calibration": [{"kind": "chosen"}],
    "outputs.plan": [
        {
            **PAIR,
            "suggested_qty": 6,
            "arrives_on": dt.date(2024, 4, 18),
            "covers_until": dt.date(2024, 4, 25),
            "demand_p90": 5.0,
        }
    ],
}
UPDATE = "UPDATE lake.{table} SET "
# what breaks each rule; {table} is the rule's own table
BREAKS = {
    ("staging.sales", "sold_before_the_data_end"): UPDATE + "sold_on = DATE '2024-04-15'",
    ("staging.sales", "sold_after_the_store_opened"): UPDATE + "sold_on = DATE '2019-12-31'",
    ("staging.sales", "sold_before_the_store_closed"): "UPDATE lake.raw.stores SET closed_on = DATE '2024-04-08'",
    ("staging.sales", "quantity_is_not_zero"): UPDATE + "sold_qty = 0",
    ("staging.sales", "quantity_is_below_10000_units"): UPDATE + "sold_qty = 10001",
    ("staging.sales", "amount_has_the_sign_of_the_quantity"): UPDATE + "net_amount = -1",
    ("marts.dim_assortment", "unit_price_is_not_negative"): UPDATE + "unit_price = -1",
    ("marts.dim_assortment", "unit_cost_is_below_unit_price"): UPDATE + "unit_cost = 11",
    ("marts.dim_product", "unit_price_is_given"): UPDATE + "unit_price = NULL",
    ("marts.dim_supply_terms", "lead_time_is_not_negative"): UPDATE + "lead_time_days = -1",
    ("marts.dim_supply_terms", "lead_time_is_below_a_year"): UPDATE + "lead_time_days = 366",
    ("marts.dim_supply_terms", "review_period_is_positive"): UPDATE + "review_period_days = 0",
    ("marts.dim_supply_terms", "moq_is_positive"): UPDATE + "moq = 0",
    ("marts.dim_supply_terms", "pack_size_is_positive"): UPDATE + "pack_size = 0",
    ("marts.fct_sales_daily", "units_are_those_of_the_operational_tables"): UPDATE + "sold_qty = 4, net_qty = 3",
    ("marts.fct_sales_daily", "amounts_are_those_of_the_operational_tables"): UPDATE + "net_amount = 39.99",
    ("marts.fct_sales_daily", "sold_qty_is_not_negative"): UPDATE + "sold_qty = -1",
    ("marts.fct_sales_daily", "returned_qty_is_not_negative"): UPDATE + "returned_qty = -1",
    ("marts.fct_stock_daily", "spans_do_not_overlap"): UPDATE + "to_on = DATE '2024-04-08' WHERE to_on IS NOT NULL",
    ("marts.fct_stock_daily", "on_hand_is_not_negative"): UPDATE + "on_hand_qty = -1",
    ("marts.fct_demand_weekly", "demand_is_not_negative"): UPDATE + "demand_qty = -1",
    ("marts.fct_demand_weekly", "weeks_start_on_monday"): UPDATE + "week_starting_on = week_starting_on + 1",
    ("marts.fct_demand_weekly", "no_week_is_missing"): UPDATE + "week_starting_on = week_starting_on - 7 "
    "WHERE week_starting_on = DATE '2024-04-01'",
    ("marts.fct_demand_weekly", "every_series_is_in_the_catalog"): UPDATE + "sku = 'Z'",
    ("marts.fct_inventory_position", "on_hand_is_not_negative"): UPDATE + "on_hand_qty = -1",
    ("marts.fct_inventory_position", "on_order_is_not_negative"): UPDATE + "on_order_qty = -1",
    ("marts.fct_open_orders", "quantity_is_positive"): UPDATE + "quantity = 0",
    ("marts.fct_open_orders", "expected_within_a_year"): UPDATE + "expected_on = DATE '2025-06-01'",
    ("marts.fct_open_orders", "not_overdue_by_a_month"): UPDATE + "expected_on = DATE '2024-03-01'",
    ("marts.fct_arrivals", "quantity_is_positive"): UPDATE + "quantity = 0",
    ("outputs.forecast_weekly", "quantiles_are_ordered"): UPDATE + "p50 = 0.5",
    ("outputs.forecast_weekly", "lowest_quantile_is_not_negative"): UPDATE + "p05 = -0.1",
    ("outputs.forecast_weekly", "mean_is_a_number_and_not_negative"): UPDATE + "mean_qty = 'nan'",
    ("outputs.forecast_weekly", "every_pair_is_forecast"): "INSERT INTO lake.marts.dim_assortment (store_code, sku) "
    "VALUES ('S1', 'B')",
    ("outputs.forecast_weekly", "fourteen_weeks_from_as_of"): "DELETE FROM lake.{table} "
    "WHERE week_starting_on = DATE '2024-04-15'",
    ("outputs.forecast_weekly", "forecast_is_in_proportion"): UPDATE + "mean_qty = 6.5",
    ("outputs.calibration", "one_setting_is_chosen"): UPDATE + "kind = 'cell'",
    ("outputs.plan", "suggested_qty_is_not_negative"): UPDATE + "suggested_qty = -3",
    ("outputs.plan", "suggested_qty_is_whole_packs_and_reaches_the_minimum"): UPDATE + "suggested_qty = 7",
    ("outputs.plan", "orders_have_supply_terms"): "DELETE FROM lake.marts.dim_supply_terms",
    ("outputs.plan", "every_planned_pair_is_in_the_assortment"): "UPDATE lake.marts.dim_assortment "
    "SET is_in_assortment = false",
    ("outputs.plan", "dates_are_in_order"): UPDATE + "arrives_on = DATE '2024-04-14'",
    ("outputs.plan", "money_at_stake_is_a_number"): UPDATE + "priority = 'nan'",
    ("outputs.plan", "suggested_qty_is_in_proportion"): UPDATE + "suggested_qty = 30",
}
SHAPES = {
    "columns_match_the_contract": "ALTER TABLE lake.marts.fct_demand_weekly ALTER demand_qty TYPE FLOAT",
    "key_is_unique": "INSERT INTO lake.marts.fct_demand_weekly FROM lake.marts.fct_demand_weekly LIMIT 1",
    "required_values_are_given": "UPDATE lake.marts.fct_demand_weekly SET sku = NULL",
    "in_stock_share_is_a_share": "UPDATE lake.marts.fct_demand_weekly SET in_stock_share = 1.01",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A sound lake of one store and product, without the constraints that would keep a test from breaking it."""
    with duckdb.connect() as opened:
        opened.execute("ATTACH ':memory:' AS lake")
        for schema in ("raw", "staging", "marts", "outputs"):
            opened.execute(f"CREATE SCHEMA lake.{schema}")
        for agreed in contracts():
            columns = ", ".join(f"{column.name} {column.type}" for column in agreed.columns)
            opened.execute(f"CREATE TABLE lake.{agreed.name} ({columns})")
            for row in ROWS.get(agreed.name, []):
                values = {
                    c.name: row.get(c.name, DEFAULTS.get(c.type))
                    for c in agreed.columns
                    if c.name in row or not c.nullable
                }
                marks = ", ".join("?" for _ in values)
                opened.execute(
                    f"INSERT INTO lake.{agreed.name} ({', '.join(values)}) VALUES ({marks})", [*values.values()]
                )
        yield opened


def test_every_rule_has_a_failing_case() -> None:
    rules = {(table, check.name) for table, (_, checks) in read_rules().items() for check in checks}
    assert rules == set(BREAKS)


def test_a_sound_lake_passes_every_check(con: duckdb.DuckDBPyConnection) -> None:
    results = [result for table in checked_tables() for result in run_suite(con, table)]
    assert [result.title for result in results if not result.passed] == []
    assert len(results) > 80


@pytest.mark.parametrize(("table", "rule"), BREAKS, ids=lambda value: value)
def test_a_broken_lake_fails_the_rule(con: duckdb.DuckDBPyConnection, table: str, rule: str) -> None:
    con.execute(BREAKS[table, rule].format(table=table))
    found = {result.check: result for result in run_suite(con, table)}
    severity = {check.name: check.severity for check in read_rules()[table][1]}[rule]
    assert (found[rule].passed, found[rule].severity) == (False, severity)
    assert found[rule].observed.endswith(" rows")
    assert found[rule].failed_rows_sample
    assert found[rule].is_blocking == (severity == "blocking")


@pytest.mark.parametrize("check", SHAPES)
def test_a_broken_shape_blocks(con: duckdb.DuckDBPyConnection, check: str) -> None:
    con.execute(SHAPES[check])
    found = {result.check: result for result in run_suite(con, "marts.fct_demand_weekly")}
    assert found[check].is_blocking
    assert found[check].failed_rows_sample
