"""Contracts tell the truth: about what the SQL builds, about PostgreSQL, and in full."""

from __future__ import annotations

import re

import psycopg
import pytest

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
    fill_sales(shop)
    return shop.build("2024-05-15")


def fill_sales(shop):
    """A pair of spectacles sold, paid and returned, contact lenses, a test and who left without buying."""
    shop.add("chain_settings", key="vip_amount", value="100")
    shop.add("chain_settings", key="festivals", value='[{"name": "Fair", "day": "2024-05-09"}]')
    tax = shop.add("tax_classes", code="T")
    shop.add("tax_rates", tax_class_id=tax, rate="0.05", valid_from_on="2024-01-01")
    shop.add("categories", code="c", kind="frame", tax_class_id=tax)
    shop.add("categories", code="k", kind="contact_lens")
    shop.product("box", category="k")
    box = shop.key("product", "box")
    shop.add("product_contact_lenses", product_id=box, modality="MONTHLY", lenses_per_box=6)
    shop.add("price_history", product_id=box, unit_price=5, valid_from_on="2024-01-01")
    shop.add("cost_history", product_id=box, unit_cost=2, valid_from_on="2024-01-01")
    shop.add(
        "stock_moves", product_id=box, quantity=3, moved_on="2024-05-01", kind="receipt", unit_cost=2,
        source_location_id=shop.locations["vendor"], destination_location_id=shop.locations["A"],
    )  # fmt: skip
    store, frame, seller = shop.key("store", "A"), shop.key("product", "p"), shop.add("users", username="u")
    customer = shop.add("customers", customer_code="C", home_store_id=store)
    patient = shop.add("patients", customer_id=customer)
    test = shop.add(
        "eye_tests", patient_id=patient, store_id=store, optometrist_id=seller, tested_on="2024-05-03",
        started_at="2024-05-03 09:00:00+00", completed_at="2024-05-03 10:00:00+00", state="completed", outcome="new_rx",
    )  # fmt: skip
    shop.add("eye_test_queue", store_id=store, queued_on="2024-05-03", queued_at="2024-05-03 09:00:00+00")
    shop.add(
        "prescriptions", patient_id=patient, store_id=store, eye_test_id=test, source="tested_at_store",
        kind="spectacle", prescribed_on="2024-05-03", valid_until_on="2026-05-03",
    )  # fmt: skip
    order = shop.add(
        "sales_orders", order_ref="pair", store_id=store, customer_id=customer, patient_id=patient,
        salesperson_id=seller, confirmed_at="2024-05-04 10:00:00+00", delivered_at="2024-05-06 10:00:00+00",
    )  # fmt: skip
    line = {"sales_order_id": order, "sold_on": "2024-05-04", "quantity": 1, "net_amount": 200}
    sold = shop.add("sales_order_lines", line_ref="1", product_id=frame, pair_group=1, **line)
    shop.add("sales_order_lines", line_ref="2", product_id=box, **line)
    back = shop.add("sales_returns", sales_order_id=order, store_id=store, returned_on="2024-05-09")
    shop.add(
        "sales_return_lines", sales_return_id=back, sales_order_line_id=sold, quantity=1, condition="good",
        taxable_amount=200, tax_amount=10,
    )  # fmt: skip
    shop.add("payments", sales_order_id=order, method="upi", amount=5, received_at="2024-05-04 10:00:00+00")
    shop.add("walk_in_counts", store_id=store, counted_on="2024-05-04", walk_in_count=7)
    shop.add("walkouts", store_id=store, walked_out_on="2024-05-04", reason="budget")


def test_each_built_table_is_what_its_contract_says(full):
    for agreed in BUILT:
        found = full.con.execute(f"DESCRIBE lake.{agreed.name}").fetchall()
        assert [(row[0], row[1]) for row in found] == [(c.name, c.type) for c in agreed.columns], agreed.name
        assert full.con.execute(f"SELECT count(*) FROM lake.{agreed.name}").fetchone()[0] > 0, agreed.name
        keys = ", ".join(agreed.keys)
        doubled = full.con.execute(f"SELECT {keys} FROM lake.{agreed.name} GROUP BY ALL HAVING count(*) > 1")
        assert doubled.fetchall() == [], agreed.name
        for column in agreed.columns:
            if not column.nullable:
                missing = full.con.execute(f"SELECT count(*) FROM lake.{agreed.name} WHERE {column.name} IS NULL")
                assert missing.fetchone() == (0,), f"{agreed.name}.{column.name}"


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
    agreed = [each for each in contracts("raw") if each.table != "extract_state"]
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
