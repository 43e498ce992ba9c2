"""Contracts tell the truth: about what the SQL builds, about PostgreSQL, and in full."""

from __future__ import annotations

import re

import psycopg
import pytest

from tests.sql.documents import fill_documents
from warehouse.contracts import UnknownTable, contract, contracts, create_table
from warehouse.transformations import LAYERS, table, tables

BUILT = [each for each in contracts() if each.schema in LAYERS]


@pytest.fixture
def full(shop):
    """A chain with a row in every table that has a key to lose."""
    shop.sale("2024-05-01", 3)
    shop.order_line("2024-05-02", 1)
    shop.stock("2024-05-08", 4)
    shop.available("2024-05-03", None, True)
    shop.ordered("2024-05-20", 2)
    shop.suggested("2024-05-22", 2)
    shop.carries()
    shop.supply()
    shop.cost(holding_cost_per_unit_week=1)
    shop.fill("trade")
    fill_documents(shop)
    return shop.build("2024-05-15")


# filled by the world of test_marts_health: it takes a shelf that goes empty on a day told by day
ELSEWHERE = {"marts.fct_last_units"}


def test_each_built_table_is_what_its_contract_says(full):
    empty = []
    for agreed in BUILT:
        found = full.con.execute(f"DESCRIBE lake.{agreed.name}").fetchall()
        assert [(row[0], row[1]) for row in found] == [(c.name, c.type) for c in agreed.columns], agreed.name
        if full.con.execute(f"SELECT count(*) FROM lake.{agreed.name}").fetchone()[0] == 0:
            empty.append(agreed.name)
    assert set(empty) <= ELSEWHERE


def test_every_transformation_has_a_contract_and_the_other_way_round():
    assert {each.full_name for each in tables()} == {each.name for each in BUILT}


def test_every_contract_of_schema_raw_is_a_tracked_table_of_postgresql_with_columns_it_has(server):
    with psycopg.connect(server.operational) as connection:
        found = connection.execute(
            "SELECT table_name, column_name, is_nullable = 'YES' FROM information_schema.columns"
            " WHERE table_schema = 'public'"
        ).fetchall()
    nullable = {(name, column): is_null for name, column, is_null in found}
    tracked = {name for name, column, _ in found if column == "changed_xid"}
    agreed = [each for each in contracts("raw") if each.table != "extract_state" and not each.query]
    assert {each.table for each in agreed} <= tracked | {"chain"}
    for each in agreed:
        for column in each.columns:
            assert nullable[(each.table, column.source)] == column.nullable, f"{each.table}.{column.name}"


@pytest.mark.parametrize("agreed", contracts(), ids=lambda each: each.name)
def test_a_contract_is_complete(agreed):
    assert agreed.grain.startswith("One row")
    assert set(agreed.keys) <= set(agreed.column_names)
    assert len(set(agreed.column_names)) == len(agreed.columns)
    for column in agreed.columns:
        assert column.meaning
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert not column.name.startswith(("is_", "has_")) or column.type == "BOOLEAN"
        if column.name.endswith(("_on", "_at")):
            assert column.type == ("DATE" if column.name.endswith("_on") else "TIMESTAMP WITH TIME ZONE")
        if column.name.endswith("_amount"):
            assert column.type.startswith("DECIMAL")
        if column.name.endswith(("_qty", "_days", "_share", "_amount")):
            assert column.unit


def test_the_grain_in_the_sql_is_the_grain_in_the_contract():
    for each in tables():
        assert each.grain.startswith(contract(each.full_name).grain), each.full_name


def test_staging_reads_raw_and_marts_read_staging_and_marts():
    for each in tables():
        assert {up.split(".")[0] for up in each.upstream} <= LAYERS[each.schema]
        known = {agreed.name for agreed in contracts()}
        assert set(each.upstream) <= known
    order = [each.full_name for each in tables()]
    for place, each in enumerate(tables()):
        assert all(up in order[:place] for up in each.upstream if up in order)


def test_only_one_table_looks_at_the_day_of_the_run():
    assert [each.full_name for each in tables() if each.reads_as_of] == ["staging.chain"]


def test_tables_of_outputs_are_made_from_their_contracts(raw):
    for agreed in contracts("outputs"):
        create_table(raw.con, agreed.name)
        create_table(raw.con, agreed.name)  # the second time nothing happens
        found = raw.con.execute(f"DESCRIBE lake.{agreed.name}").fetchall()
        assert [(row[0], row[1], row[2] == "YES") for row in found] == [
            (column.name, column.type, column.nullable) for column in agreed.columns
        ]


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(UnknownTable, match=r"marts\.dim_store"):
        contract("marts.nothing")
    with pytest.raises(LookupError, match=r"marts\.dim_store"):
        table("marts.nothing")
