"""Export: nothing held is left out, and it is recorded; logs name nobody."""

from __future__ import annotations

import csv
import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest

from api.schema.customers import PERSONAL
from api.services.logs import JsonFormatter
from api.services.privacy_erasure import FREE_TEXTS, KEPT_TEXTS
from api.services.privacy_map import read_links, tables_below

REFERENCES = """
    SELECT DISTINCT k.table_name AS child, u.table_name AS parent
      FROM information_schema.referential_constraints AS r
      JOIN information_schema.table_constraints AS k USING (constraint_schema, constraint_name)
      JOIN information_schema.table_constraints AS u ON u.constraint_schema = r.unique_constraint_schema
           AND u.constraint_name = r.unique_constraint_name
     WHERE k.table_schema = 'public' AND k.table_name NOT IN (SELECT inhrelid::regclass::text FROM pg_inherits)
"""


def test_no_table_that_refers_to_a_customer_is_forgotten(clinic: Any) -> None:
    """The export's own map against information_schema, followed here in another way."""
    pairs = [(row["child"], row["parent"]) for row in clinic.rows(REFERENCES)]
    below, size = {"customers"}, 0
    while size != len(below):
        size = len(below)
        below |= {child for child, parent in pairs if parent in below}
    assert set(tables_below(clinic.act(read_links))) == below
    assert {"patients", "prescription_eyes", "sales_order_lines", "payments", "lab_jobs", "walkouts"} <= below
    # a column that is named like a reference is one
    named = clinic.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('customer_id', 'patient_id', 'prescription_id')"
    )
    assert {row["table_name"] for row in named if not row["table_name"].startswith("sales_order_lines_")} <= below
    person = clinic.person()
    held = clinic.get("admin", f"{person['path']}/export")["tables"]
    assert set(held) == below | {"outbox_messages", "audit_log"}


def test_every_text_below_a_customer_is_judged(clinic: Any) -> None:
    """A text is personal, typed by somebody, one of a fixed choice, or kept on purpose; a new one must be placed."""
    links = clinic.act(read_links)
    tables = tables_below(links)
    texts = clinic.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY') AND table_name = ANY(%s)",
        tables,
    )
    choices = clinic.rows(
        "SELECT conrelid::regclass::text AS t, pg_get_constraintdef(oid) AS d FROM pg_constraint WHERE contype = 'c'"
    )
    for row in texts:
        table, column = row["table_name"], row["column_name"]
        is_choice = any(
            each["t"] == table and f"(({column})::text = ANY" in each["d"] and "OR" not in each["d"] for each in choices
        )
        # a reference is one of what it refers to
        is_choice |= any(link.child == table and column in link.columns for link in links)
        places = [column in where.get(table, ()) for where in (PERSONAL, FREE_TEXTS, KEPT_TEXTS)]
        assert sum(places) == 1 or (is_choice and not any(places)), f"{table}.{column}"


def test_an_export_holds_everything_and_is_recorded(clinic: Any) -> None:
    person = clinic.person()
    path = f"{person['path']}/export"
    for who in ("manager", "staff", "analyst", "accountant", "buyer"):
        clinic.get(who, path, 403)
    answer = clinic.ask("admin", "GET", path)
    assert answer.headers["content-disposition"] == f'attachment; filename="customer-{person["id"]}.json"'
    document = answer.json()
    tables = document["tables"]
    counts = {table: len(rows) for table, rows in tables.items() if rows}
    assert counts.items() >= {
        "customers": 1, "patients": 1, "customer_consents": 1, "eye_test_queue": 1, "eye_tests": 1,
        "prescriptions": 2, "prescription_eyes": 2, "sales_orders": 2, "sales_order_lines": 1, "payments": 1,
        "sales_returns": 1, "sales_return_lines": 1, "outbox_messages": 2,
    }.items()  # fmt: skip
    assert tables["patients"][0]["full_name"] == clinic.child
    assert {event["kind"] for event in tables["audit_log"]} >= {"customer.created", "patient.created"}
    assert "41.4141" not in answer.text  # what the chain paid is not the customer's
    zipped = clinic.ask("superadmin", "GET", f"{path}?format=csv")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        assert {Path(name).stem for name in archive.namelist()} == set(tables)
        for table, rows in tables.items():
            if table not in {"audit_log", "data_exports"}:
                read = list(csv.DictReader(io.StringIO(archive.read(f"{table}.csv").decode())))
                assert len(read) == len(rows), table
        (customer,) = csv.DictReader(io.StringIO(archive.read("customers.csv").decode()))
        assert (customer["full_name"], customer["mobile"]) == (clinic.name, person["mobile"])
        assert "cost_at_sale" not in archive.read("sales_order_lines.csv").decode()
    clinic.get("admin", "/customers/999999/export", 404)
    clinic.get("admin", f"{path}?format=pdf", 422)
    events = clinic.events("privacy.exported", person["id"])
    assert [(event["severity"], event["username"]) for event in events] == [
        ("critical", "admin"),
        ("critical", "superadmin"),
    ]
    logged = clinic.rows(
        "SELECT format, row_count FROM data_exports WHERE scope->>'customer_id' = %s", str(person["id"])
    )
    assert [row["format"] for row in logged] == ["json", "csv"]
    assert logged[0]["row_count"] == sum(len(rows) for rows in tables.values())


def test_what_somebody_typed_runs_in_no_spreadsheet(clinic: Any) -> None:
    made = clinic.customer(full_name='=HYPERLINK("http://x")', mobile="+917000000001")
    zipped = clinic.ask("admin", "GET", f"/customers/{made['customer_id']}/export?format=csv")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        (row,) = csv.DictReader(io.StringIO(archive.read("customers.csv").decode()))
    assert (row["full_name"], row["mobile"]) == ('\'=HYPERLINK("http://x")', "+917000000001")


def test_no_log_line_names_anybody(clinic: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Every route with a person in its path or body, answered and refused, at the most talkative level."""
    with caplog.at_level(logging.DEBUG):
        person = clinic.person()
        digits = person["mobile"].lstrip("+")
        clinic.post("staff", "/customers/search", {"q": digits}, 200)
        clinic.post("analyst", "/customers/search", {"q": "Xantippe"}, 403)
        clinic.post("staff", "/customers", person["body"], 409)
        clinic.post("staff", "/customers", {**person["body"], "kind": clinic.name, "nickname": clinic.name}, 422)
        clinic.post("staff", "/customers", {**person["body"], "mobile": None, "full_name": clinic.name + "\x00"}, 422)
        clinic.post("staff of S2", "/customers", person["body"], 403)
        clinic.post("staff of S2", "/customers/visits", {"mobile": digits, "store_id": clinic.s1}, 403)
        clinic.patch("staff", person["path"], {"email": clinic.mail, "tax_registration": clinic.name}, 422)
        clinic.get("admin", f"{person['path']}/export")
        clinic.post("admin", f"{person['path']}/erasure", status=200)
        clinic.rows("ALTER TABLE customers ADD CONSTRAINT broken CHECK (city <> 'Xyloville') NOT VALID")
        try:
            clinic.post("admin", "/customers", {**person["body"], "mobile": None}, 422)
        finally:
            clinic.rows("ALTER TABLE customers DROP CONSTRAINT broken")
    lines = [JsonFormatter().format(record) for record in caplog.records if not record.name.startswith("httpx")]
    assert lines
    for needle in (*clinic.needles, clinic.mail, digits):
        assert not [line for line in lines if needle in line], needle
