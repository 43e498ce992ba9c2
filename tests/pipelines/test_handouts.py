"""Lists for people: what each may see, text that stays text, sheets and pages, a manifest and a record of each file."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import psycopg
import pytest
from fastapi.testclient import TestClient

from api.database import create_engine
from api.identity.principal import Origin
from api.publications import publish
from api.services.acting import find_user
from api.suggestions import write_suggestions
from ims.web import create_web
from models.policy.plan import PLAN_SCHEMA
from pipelines.frames import write_output
from pipelines.handouts.counts import COLUMNS as COUNTED
from pipelines.handouts.layout import Column
from pipelines.handouts.paper import write_cell
from pipelines.handouts.taking import Handout, ListRefused, Wanted, save_list, take_list
from pipelines.handouts.workbook import _name
from warehouse.contracts import contract, create_table
from warehouse.lake import connect, current_snapshot

DAY = dt.date(2024, 4, 15)
TABLES = ("raw.products", "outputs.forecast_weekly")
TABLES += tuple(
    f"marts.{name}"
    for name in (
        "dim_product", "dim_store", "dim_vendor", "dim_date", "dim_product_class", "dim_supply_terms",
        "fct_inventory_position", "fct_sales_lines", "fct_demand_weekly",
    )
)  # fmt: skip
HOSTILE = '=HYPERLINK("http://x","A")'
MASTERS = """
INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)
    VALUES ('Tiny', 'INR', 'UTC', '2024-04-15', 'line', 'lost');
INSERT INTO stores (store_code, name) VALUES ('S1', 'One'), ('S2', 'Two');
INSERT INTO products (sku, name, category) VALUES ('A', %(hostile)s, 'frames'), ('B', 'Größe ₹', 'lenses'),
    ('C', 'c', 'frames');
INSERT INTO vendors (vendor_code, name) VALUES ('V', 'V & Co: [x]/*?'), ('W', '@W');
INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2024-04-15', 'published');
"""
DOCUMENTS = """
INSERT INTO purchase_orders (order_ref, vendor_id, delivery_store_id, status, created_by)
    SELECT 'PO-' || store_code, (SELECT vendor_id FROM vendors WHERE vendor_code = 'V'), store_id, 'draft',
        (SELECT min(user_id) FROM users) FROM stores;
INSERT INTO purchase_order_lines (purchase_order_id, store_id, product_id, state, open_qty, ordered_qty, expected_on,
        unit_price)
    SELECT purchase_order_id, delivery_store_id, product_id, 'draft', 0, 6, '2024-04-20', 417.25
    FROM purchase_orders, products WHERE sku = 'A';
INSERT INTO stock_transfers (from_store_id, to_store_id, requested_by)
    SELECT a.store_id, b.store_id, (SELECT min(user_id) FROM users) FROM stores AS a, stores AS b
    WHERE a.store_code = 'S1' AND b.store_code = 'S2';
INSERT INTO stock_transfer_lines (stock_transfer_id, product_id, requested_qty)
    SELECT stock_transfer_id, product_id, 2 FROM stock_transfers, products WHERE sku <> 'C';
"""


def planned(store: str, sku: str, quantity: int, vendor: str | None, reason: str = "BELOW_TARGET") -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(PLAN_SCHEMA)
    known = {"as_of": DAY, "store_code": store, "sku": sku, "on_hand": 2, "on_order": 0, "suggested_qty": quantity}
    dates = {"order_by": DAY, "arrives_on": DAY + dt.timedelta(7), "covers_until": DAY + dt.timedelta(14)}
    figures = {"expected_demand": 4.0, "demand_p50": 3.0, "demand_p90": 6.0, "priority": 12.5 + quantity}
    receipt = json.dumps({"tau": 0.9, "quantity_before_lots": quantity, "shortage_cost_per_unit": 417.25})
    counted = {"target_level": 2 + quantity, "transfer_in_qty": 0, "quantity_before_limits": quantity}
    whole = {**row, **known, **dates, **figures, **counted}
    return {**whole, "vendor_code": vendor, "reason": reason, "receipt": receipt}


def add(con: Any, table: str, **given: object) -> None:
    """A row of a table; what is not given and may not be null is filled with something of its type."""
    fill = {"VARCHAR": "x", "BOOLEAN": True, "DATE": DAY, "TIMESTAMP WITH TIME ZONE": dt.datetime(2024, 1, 1)}
    needed = [column for column in contract(table).columns if not column.nullable]
    row = {column.name: fill.get(column.type, 0) for column in needed} | given
    con.execute(f"INSERT INTO lake.{table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])


@pytest.fixture
def world(installation: Any, make_user: Any) -> Any:
    """A published snapshot of two stores, documents of both, and people."""
    databases = installation.databases
    with psycopg.connect(databases.operational) as connection:
        connection.execute(MASTERS.replace("%(hostile)s", "'" + HOSTILE + "'"))
    for name, stores in (("buyer", ()), ("manager", ("S1",)), ("staff", ("S1",))):
        make_user(databases.operational, name, (name,), stores)
    with psycopg.connect(databases.operational) as connection:
        connection.execute(DOCUMENTS)
    con = connect(databases, installation.settings)
    for table in TABLES:
        create_table(con, table)
    for sku, name in (("A", HOSTILE), ("B", "Größe ₹"), ("C", "c")):
        add(con, "marts.dim_product", sku=sku, name=name, category="frames", unit_cost=417.25, brand="+brand")
        add(con, "raw.products", sku=sku, barcode=f"00{sku}")
    for code, name in (("V", "V & Co: [x]/*?"), ("W", "@W")):
        add(con, "marts.dim_vendor", vendor_code=code, name=name)
    sold = {"booked_on": dt.date(2024, 4, 9), "store_code": "S1", "sku": "A", "kind": "sale"}
    add(con, "marts.fct_sales_lines", **sold, sold_qty=3, net_qty=3)
    rows = [planned("S1", "A", 5, "V"), planned("S2", "B", 3, "W"), planned("S1", "C", 0, None, "NO_VENDOR")]
    frame = pl.DataFrame(rows, schema=PLAN_SCHEMA)
    write_output(con, "plan", frame)
    snapshot = current_snapshot(con)
    con.close()
    engine = create_engine(databases.operational)
    with engine.begin() as connection:
        checks = {"passed": 9, "warnings": 1, "failed": [{"table": "raw.products", "what_to_do": "Look."}]}
        passport = {"fingerprint": "f", "checks": checks, "metric_version": "m", "notes": ["n"]}
        moved = {"run_id": "r", "snapshot_id": snapshot, "as_of": DAY, "data_as_of": DAY, "moved_by": "test"}
        publication_id = publish(connection, **passport, **moved)
        write_suggestions(connection, frame.iter_rows(named=True), publication_id, DAY)
    engine.dispose()
    return installation


def take(world: Any, kind: str, form: str = "csv", by: str | None = None, **more: Any) -> Handout:
    user = None
    if by is not None:
        with psycopg.connect(world.databases.operational) as connection:
            user = find_user(connection, by)
        assert user is not None
    return take_list(world.databases, world.settings, Wanted(kind, form, **more), user, Origin("test"))


def read(made: Handout) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.content.decode("utf-8-sig"))))


def asked(world: Any, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(world.databases.operational) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_the_order_list_has_its_columns_and_drops_nothing_silently(world: Any) -> None:
    rows = read(take(world, "reorder"))
    assert [(row["store_code"], row["sku"], row["suggested_qty"]) for row in rows] == [
        ("S1", "A", "5"), ("S1", "C", "0"), ("S2", "B", "3"),
    ]  # fmt: skip
    first, idle, _ = rows
    assert {name: first[name] for name in ("sold_28d", "sold_91d", "barcode", "unit_cost", "order_cost_amount")} == {
        "sold_28d": "3", "sold_91d": "3", "barcode": "00A", "unit_cost": "417.25", "order_cost_amount": "2086.25",
    }  # fmt: skip
    assert (idle["reason_code"], idle["suggestion_id"], idle["vendor_code"]) == ("NO_VENDOR", "", "")
    wanted = """run_id as_of store_code sku barcode brand model colour size category abc demand_class on_hand reserved
        in_transit on_order sold_28d sold_91d days_oos_91d forecast_28d_p50 forecast_28d_p90 lead_time_days_p50
        lead_time_days_p90 days_cover projected_stockout_date target_level suggested_qty pack_size transfer_from
        vendor_code priority reason_code confidence approved_qty note"""
    assert set(wanted.split()) <= first.keys()


def say(form: str, content: bytes) -> str:
    """Everything a file tells, as text."""
    if form == "parquet":
        found = pl.read_parquet(io.BytesIO(content))
        return " ".join([*found.columns, found.write_csv()])
    if form == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        return " ".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
    return content.decode()


def test_a_manager_gets_their_store_without_a_trace_of_cost(world: Any) -> None:
    for kind, lines in (("reorder", 2), ("orders", 1), ("transfers", 2)):
        for form in ("csv", "xlsx", "parquet"):
            made = take(world, kind, form, by="manager")
            assert made.manifest.rows == lines
            text = say(form, made.content)
            for secret in ("417", "2086", "unit_cost", "cost_amount", "Unit cost", "Order value", "Amount", "PO-S2"):
                assert secret not in text, (kind, form)
        assert take(world, kind, "pdf", by="manager").content.startswith(b"%PDF-")
        costs = take(world, kind, "csv", by="buyer").content.decode()
        assert ("417" in costs) == (kind != "transfers")


def test_another_store_and_another_s_list_are_refused(world: Any) -> None:
    for by, kind, store, code in (
        ("manager", "reorder", "S2", "store-out-of-scope"),
        ("manager", "orders", "S2", "store-out-of-scope"),
        ("staff", "reorder", None, "not-permitted"),
        ("staff", "counts", None, "not-permitted"),
        ("buyer", "wages", None, "unknown-list"),
    ):
        with pytest.raises(ListRefused) as refused:
            take(world, kind, by=by, store=store)
        assert refused.value.code == code
    with pytest.raises(ListRefused) as refused:
        take(world, "reorder", "docx")
    assert refused.value.code == "unknown-form"
    assert asked(world, "SELECT count(*) FROM data_exports") == [(0,)]
    assert {row["store_code"] for row in read(take(world, "reorder", by="buyer", store="S2"))} == {"S2"}


def test_no_cell_runs_and_a_workbook_is_made_for_people(world: Any) -> None:
    rows = read(take(world, "reorder"))
    assert rows[0]["product_name"] == "'" + HOSTILE
    assert {row["brand"] for row in rows} == {"'+brand"}
    assert rows[2]["vendor_name"] == "'@W"
    book = openpyxl.load_workbook(io.BytesIO(take(world, "reorder", "xlsx").content))
    assert book.sheetnames == ["All", "@W", "V & Co   x", "No vendor", "Passport"]
    sheet = book["V & Co   x"]
    titles = [cell.value for cell in sheet[1]]
    named = sheet.cell(2, titles.index("Product") + 1)
    assert (named.value, named.data_type, named.hyperlink) == (HOSTILE, "s", None)
    code = sheet.cell(2, titles.index("Barcode") + 1)
    assert (code.value, code.data_type, code.number_format) == ("00A", "s", "@")
    order = sheet.cell(2, titles.index("Order") + 1)
    assert (order.value, order.data_type, order.number_format) == (5, "n", "#,##0")
    assert sheet.cell(2, titles.index("Arrives") + 1).is_date
    assert sheet.freeze_panes == "H2"
    assert sheet.auto_filter.ref is not None
    assert 10 <= sheet.column_dimensions["M"].width <= 60
    facts = dict(book["Passport"].iter_rows(values_only=True))
    assert (facts["As of"], facts["Checks"], facts["Made for"]) == (
        "2024-04-15", "9 passed, 1 warnings", "the operator, with costs",
    )  # fmt: skip
    assert "Look." in facts["What to mind"]


def test_a_file_has_its_manifest_and_its_record_and_comes_whole(world: Any, tmp_path: Path) -> None:
    made = take(world, "orders", "xlsx", by="buyer")
    out = tmp_path / "orders.xlsx"
    save_list(out, made)
    beside = json.loads((tmp_path / "orders.xlsx.manifest.json").read_text())
    assert beside["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (beside["rows"], beside["snapshot_id"], beside["filters"]["costs"]) == (2, made.manifest.snapshot_id, True)
    assert beside["checks"]["passed"] == 9
    ((kind, form, count, checksum),) = asked(world, "SELECT kind, format, row_count, checksum FROM data_exports")
    assert (kind, form, count, checksum) == ("orders", "xlsx", 2, beside["sha256"])
    take(world, "transfers")
    said = asked(world, "SELECT username, after ->> 'kind' FROM audit_log WHERE kind = 'data.exported' ORDER BY at")
    assert said == [("buyer", "orders"), ("the operator", "transfers")]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "orders.xlsx", "orders.xlsx.manifest.json",
    ]  # fmt: skip
    out.write_text("before")
    with pytest.raises(ListRefused) as refused:
        save_list(tmp_path / "nowhere" / "orders.xlsx", made)
    assert refused.value.code == "cannot-write"
    assert out.read_text() == "before"


def test_nothing_is_exported_while_a_blocking_check_stands(world: Any) -> None:
    with psycopg.connect(world.databases.operational) as connection:
        connection.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('b', '2024-04-16', 'blocked')")
    for kind in ("reorder", "orders", "transfers", "counts"):
        with pytest.raises(ListRefused) as refused:
            take(world, kind)
        assert refused.value.code == "checks-failed"
        assert "2024-04-16" in str(refused.value)
    assert asked(world, "SELECT count(*) FROM audit_log WHERE kind = 'data.exported'") == [(0,)]
    with psycopg.connect(world.databases.operational) as connection:
        connection.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('u', '2024-04-16', 'unchanged')")
    assert take(world, "reorder").manifest.rows == 3


def test_a_count_list_is_blind_on_paper_and_for_those_who_count(world: Any) -> None:
    with pytest.raises(ListRefused) as refused:
        take(world, "counts")
    assert refused.value.code == "no-count-list"
    con = connect(world.databases, world.settings)
    create_table(con, "outputs.count_list")
    for store, sku, rank in (("S1", "A", 2), ("S1", "B", 1), ("S2", "A", 1)):
        about = {"kind": "phantom", "reason": "silent", "money_at_stake": 417.25, "on_hand": 7}
        add(con, "outputs.count_list", store_code=store, sku=sku, rank_in_store=rank, as_of=DAY, **about)
    snapshot = current_snapshot(con)
    con.close()
    with psycopg.connect(world.databases.operational) as connection:
        connection.execute("UPDATE publications SET snapshot_id = %s", (snapshot,))
    made = take(world, "counts", by="manager")
    rows = read(made)
    assert [(row["rank_in_store"], row["sku"], row["counted_qty"]) for row in rows] == [("1", "B", ""), ("2", "A", "")]
    assert "417" not in made.content.decode()
    assert "money_at_stake" not in rows[0]
    assert [column.name for column in COUNTED if column.on_paper and column.name == "on_hand"] == []
    assert take(world, "counts", "pdf", by="manager").manifest.rows == 2
    assert take(world, "counts", "xlsx").manifest.rows == 3


def test_nothing_published_and_no_rows_are_said(installation: Any) -> None:
    with pytest.raises(ListRefused) as refused:
        take(installation, "reorder")
    assert refused.value.code == "nothing-published"


@pytest.mark.parametrize(("wanted", "name"), [("A/B: x", "A B  x"), ("", "Sheet"), ("history", "history list")])
def test_a_sheet_has_a_name_that_it_may_have(wanted: str, name: str) -> None:
    assert _name(wanted, set()) == name
    taken = {name.casefold()}
    assert _name(wanted, taken) == f"{name} 2"
    assert len(_name("x" * 40, {"x" * 31})) == 31


def test_cells_on_paper_are_written_for_people() -> None:
    column = {kind: Column("x", "X", kind, 5, 5) for kind in ("units", "money", "day", "share", "number", "code")}
    assert write_cell(column["units"], 1234) == "1,234"
    assert write_cell(column["money"], 1234.5) == "1,234.50"
    assert write_cell(column["day"], DAY) == "15 Apr 24"
    assert write_cell(column["share"], 0.925) == "92%"
    assert write_cell(Column("sph", "SPH", "number", 5, 5), -0.25) == "-0.25"
    assert write_cell(column["code"], None) == ""


def test_lists_over_http(world: Any, make_user: Any) -> None:
    url = world.databases.operational
    who = {
        name: {"authorization": f"Bearer {make_user(url, name, (name,), stores)}"}
        for name, stores in (("buyer", ()), ("manager", ("S1",)), ("staff", ("S1",)), ("analyst", ()))
    }
    with TestClient(create_web("api", world.databases), base_url="http://ims.test") as client:
        answer = client.get("/api/v1/lists/reorder", headers=who["manager"], params={"form": "csv"})
        assert answer.status_code == 200, answer.text
        digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
        assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
        assert answer.headers["content-disposition"] == 'attachment; filename="reorder-2024-04-15.csv"'
        assert (answer.headers["x-list-rows"], answer.headers["x-list-as-of"]) == ("2", "2024-04-15")
        assert "417" not in answer.text
        paper = client.get("/api/v1/lists/orders", headers=who["buyer"], params={"form": "pdf", "store": "S2"})
        assert (paper.headers["content-type"], paper.content[:5]) == ("application/pdf", b"%PDF-")
        for name, kind, store, status, code in (
            ("manager", "reorder", "S2", 403, "store-out-of-scope"),
            ("staff", "reorder", None, 403, "not-permitted"),
            ("analyst", "reorder", None, 403, "not-permitted"),
            ("buyer", "counts", None, 404, "no-count-list"),
            ("buyer", "wages", None, 404, None),
            ("buyer", "reorder", "x" * 70, 422, None),
        ):
            given = {} if store is None else {"store": store}
            refused = client.get(f"/api/v1/lists/{kind}", headers=who[name], params=given)
            assert refused.status_code == status, (name, kind, refused.text)
            assert refused.headers["content-type"] == "application/problem+json"
            assert code is None or refused.json()["type"] == f"urn:ims:problem:{code}"
    kept = asked(world, "SELECT kind, format, role, scope ->> 'stores' FROM data_exports ORDER BY data_export_id")
    assert kept == [("reorder", "csv", "manager", '["S1"]'), ("orders", "pdf", "buyer", '["S2"]')]
