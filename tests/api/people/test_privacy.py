"""Export, erasure, retention: nothing held is left out, nothing personal is left over, the books stay whole."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
import logging
import uuid
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from api.identity.principal import Origin, Reach, SignedIn
from api.schema.customers import PERSONAL
from api.services.action import Action
from api.services.logs import JsonFormatter
from api.services.privacy_erasure import FREE_TEXTS, KEPT_TEXTS
from api.services.privacy_map import read_links, tables_below
from api.services.privacy_retention import ACTIVITY, find_due, read_years
from ims.cli import app

# said nowhere else in the database, so that one look through all of it tells whether somebody is left
NAME, CHILD, DOCTOR = "Quirina Xantippe", "Zoroaster Xantippe", "Dr Wolpertinger"
MAIL, CITY, REMARK = "quirina@xantippe.example", "Xyloville", "she moved to Ypsilanti"
NEEDLES = ("Quirina", "Xantippe", "Zoroaster", "Wolpertinger", "Xyloville", "Ypsilanti", "1987-06-05")

REFERENCES = """
    SELECT DISTINCT k.table_name AS child, u.table_name AS parent
      FROM information_schema.referential_constraints AS r
      JOIN information_schema.table_constraints AS k USING (constraint_schema, constraint_name)
      JOIN information_schema.table_constraints AS u ON u.constraint_schema = r.unique_constraint_schema
           AND u.constraint_name = r.unique_constraint_name
     WHERE k.table_schema = 'public' AND k.table_name NOT IN (SELECT inhrelid::regclass::text FROM pg_inherits)
"""


def make_person(clinic: Any) -> dict[str, Any]:
    """A customer of whom every kind of record is held."""
    mobile = f"+9177{uuid.uuid4().int % 10**8:08}"
    key, mail = uuid.uuid4().hex, f"{uuid.uuid4().hex}.{MAIL}"
    body = {"full_name": NAME, "mobile": mobile, "email": mail, "city": CITY, "home_store_id": clinic.s1}
    customer = clinic.post("staff", "/customers", body, idempotency_key=key)
    customer_id = customer["customer_id"]
    path = f"/customers/{customer_id}"
    child = {"full_name": CHILD, "born_on": "1987-06-05", "gender": "other"}
    child_key = uuid.uuid4().hex
    patient = clinic.post("staff", f"{path}/patients", child, idempotency_key=child_key)
    clinic.post("staff", f"{path}/consents", {"purpose": "reminders", "is_granted": True, "source": "store"})
    clinic.patch("staff", path, {"city": f"{CITY} 2"})
    token = clinic.post("staff", "/eye-test-queue", {"store_id": clinic.s1, "patient_id": patient["patient_id"]})
    test = clinic.post("optometrist", "/eye-tests", {"eye_test_queue_id": token["eye_test_queue_id"]})
    clinic.post("optometrist", f"/eye-tests/{test['eye_test_id']}/complete", {"outcome": "new_rx"}, 200)
    given = {"patient_id": patient["patient_id"], "store_id": clinic.s1, "eyes": {"left": {"sph": "-1.5"}}}
    doctors = {**given, "source": "from_doctor", "doctor_name": DOCTOR}
    rx = clinic.post("optometrist", "/prescriptions", doctors)
    replaced = f"/prescriptions/{rx['prescription_id']}/versions"
    clinic.post("optometrist", replaced, doctors)
    product = clinic.add("products", sku=uuid.uuid4().hex, name="A frame", category="frame", unit_price=100)
    amounts = {
        "subtotal_amount": 100,
        "discount_amount": 0,
        "taxable_amount": 100,
        "tax_amount": 5,
        "total_amount": 105,
    }
    order = clinic.order(customer_id, clinic.s1, patient_id=patient["patient_id"], **amounts)
    line = clinic.add(
        "sales_order_lines", ordered_on="2026-01-05", sales_order_id=order, line_ref="1", product_id=product,
        sold_on="2026-01-05", quantity=1, unit_price=100, discount_amount=0, net_amount=100, tax_rate="0.05",
        tax_amount=5, line_total=105, cost_at_sale="41.4141", prescription_id=rx["prescription_id"],
    )  # fmt: skip
    clinic.add("payments", sales_order_id=order, method="cash", amount=105, received_at="2026-01-05T10:00:00Z")
    user = clinic.rows("SELECT user_id FROM users WHERE username = 'manager'")[0]["user_id"]
    back = clinic.add(
        "sales_returns", return_number=uuid.uuid4().hex, sales_order_id=order, store_id=clinic.s1,
        returned_on="2026-01-07", reason=REMARK, taxable_amount=100, tax_amount=5, total_amount=105, created_by=user,
    )  # fmt: skip
    clinic.add(
        "sales_return_lines", sales_return_id=back, sales_order_line_id=line, ordered_on="2026-01-05", quantity=1,
        condition="good", taxable_amount=100, tax_amount=5,
    )  # fmt: skip
    clinic.order(customer_id, clinic.s1, status="cancelled", cancel_reason=REMARK)
    reference = clinic.rows("SELECT order_number FROM sales_orders WHERE sales_order_id = %s", order)[0]["order_number"]
    message = {"reference": reference, "store": CITY}
    for state, recipient in (("pending", mail), ("dead", "manager@chain.example")):
        clinic.rows(
            "INSERT INTO outbox_messages (topic, channel, recipient, subject, payload, state, last_error)"
            " VALUES ('order.ready', 'smtp', %s, %s, %s::jsonb, %s, %s)",
            recipient,
            f"For {NAME}",
            json.dumps(message),
            state,
            f"refused for {mail}",
        )
    clinic.rows(
        "INSERT INTO outbox_deliveries (message_id, attempt, is_delivered, error)"
        " SELECT message_id, 1, false, 'no ' || %s FROM outbox_messages WHERE recipient = %s",
        mail,
        mail,
    )
    return {"id": customer_id, "path": path, "mobile": mobile, "key": key, "body": body, "patient": patient, "rx": rx,
            "child": child, "child_key": child_key, "order": order}  # fmt: skip


def all_text(clinic: Any) -> dict[str, str]:
    """Every row of every table, as text."""
    tables = clinic.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {}
    for row in tables:
        table = row["tablename"]
        found[table] = "\n".join(each["t"] for each in clinic.rows(f'SELECT t::text AS t FROM "{table}" AS t'))
    contents = clinic.rows("SELECT convert_from(content, 'UTF8') AS t FROM idempotency_keys WHERE content IS NOT NULL")
    found["answers"] = "\n".join(row["t"] for row in contents)
    return found


def act(clinic: Any, work: Any, *arguments: Any) -> Any:
    """Run a service past the walls."""

    async def run() -> Any:
        async with await psycopg.AsyncConnection.connect(clinic.url) as connection:
            user = SignedIn(0, "test", frozenset({"superadmin"}), 0, dt.datetime.max.replace(tzinfo=dt.UTC))
            return await work(Action(connection, user, Origin("t"), "customer:erase", Reach(None)), *arguments)

    return asyncio.run(run())


def test_no_table_that_refers_to_a_customer_is_forgotten(clinic: Any) -> None:
    """The export's own map against information_schema, followed here in another way."""
    pairs = [(row["child"], row["parent"]) for row in clinic.rows(REFERENCES)]
    below, size = {"customers"}, 0
    while size != len(below):
        size = len(below)
        below |= {child for child, parent in pairs if parent in below}
    assert set(tables_below(act(clinic, read_links))) == below
    assert {"patients", "prescription_eyes", "sales_order_lines", "payments", "lab_jobs", "walkouts"} <= below
    # a column that is named like a reference is one
    named = clinic.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('customer_id', 'patient_id', 'prescription_id')"
    )
    assert {row["table_name"] for row in named if not row["table_name"].startswith("sales_order_lines_")} <= below
    person = make_person(clinic)
    held = clinic.get("admin", f"{person['path']}/export")["tables"]
    assert set(held) == below | {"outbox_messages", "audit_log"}


def test_every_text_below_a_customer_is_judged(clinic: Any) -> None:
    """A text is personal, typed by somebody, one of a fixed choice, or kept on purpose; a new one must be placed."""
    links = act(clinic, read_links)
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
    person = make_person(clinic)
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
    assert tables["patients"][0]["full_name"] == CHILD
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
        assert (customer["full_name"], customer["mobile"]) == (NAME, person["mobile"])
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


def test_an_erased_person_is_nowhere_and_the_books_are_whole(clinic: Any) -> None:
    clinic.rows("DELETE FROM idempotency_keys")
    for person in clinic.rows("SELECT customer_id FROM customers WHERE full_name = %s", NAME):
        clinic.post("admin", f"/customers/{person['customer_id']}/erasure", status=200)
    person = make_person(clinic)
    assert any("Xantippe" in text for text in all_text(clinic).values())
    books = (
        "SELECT count(*) AS n, sum(total_amount) AS total FROM sales_orders",
        "SELECT count(*) AS n, sum(line_total) AS total FROM sales_order_lines",
        "SELECT count(*) AS n, sum(amount) AS total FROM payments",
        "SELECT count(*) AS n, sum(total_amount) AS total FROM sales_returns",
        "SELECT count(*) AS n, sum(sph) AS total FROM prescription_eyes",
        "SELECT count(*) AS n, sum(customer_id) AS total FROM sales_orders",
    )
    before = [clinic.rows(query) for query in books]
    xid = clinic.rows("SELECT changed_xid FROM customers WHERE customer_id = %s", person["id"])
    path = f"{person['path']}/erasure"
    for who in ("manager", "staff", "analyst"):
        clinic.post(who, path, status=403)
    erased = clinic.post("admin", path, status=200)
    assert erased["pseudonym"].startswith("erased-")
    assert CliRunner().invoke(app, ["privacy", "retain"]).exit_code == 0

    left = {
        table: [each for each in (*NEEDLES, person["mobile"]) if each in text]
        for table, text in all_text(clinic).items()
    }
    assert not {table: found for table, found in left.items() if found}
    assert [clinic.rows(query) for query in books] == before
    (row,) = clinic.rows("SELECT * FROM customers WHERE customer_id = %s", person["id"])
    assert (row["customer_code"], row["pseudonym"]) == (erased["pseudonym"], erased["pseudonym"])
    assert row["changed_xid"] > xid[0]["changed_xid"]  # the warehouse follows
    messages = clinic.rows("SELECT state, recipient, payload FROM outbox_messages ORDER BY created_at DESC LIMIT 2")
    assert {(each["state"], each["recipient"]) for each in messages} == {
        ("dead", erased["pseudonym"]),
        ("dead", "manager@chain.example"),
    }
    assert all(set(each["payload"].values()) == {"…"} for each in messages)

    # done again it is done once; the keys still answer, and tell nobody
    assert clinic.post("superadmin", path, status=200) == erased
    assert len(clinic.events("privacy.erased", person["id"])) == 1
    again = clinic.post("staff", "/customers", person["body"], idempotency_key=person["key"])
    assert again["customer_id"] == person["id"]
    assert not set(PERSONAL["customers"]) & set(again)
    again = clinic.post("staff", f"{person['path']}/patients", person["child"], idempotency_key=person["child_key"])
    assert "full_name" not in again
    shown = clinic.get("manager", person["path"])
    assert shown["pseudonym"] == erased["pseudonym"]
    assert not {"full_name", "mobile", "email", "city"} & set(shown)
    assert clinic.get("staff", "/customers?q=Xantippe")["items"] == []
    assert person["id"] not in {item["customer_id"] for item in clinic.get("admin", "/customers?limit=200")["items"]}
    for method, target, body in (
        ("PATCH", person["path"], {"city": "x"}),
        ("POST", f"{person['path']}/patients", {"full_name": "x"}),
        ("PATCH", f"/patients/{person['patient']['patient_id']}", {"full_name": "x"}),
        ("POST", f"{person['path']}/consents", {"purpose": "marketing", "is_granted": True, "source": "store"}),
    ):
        assert clinic.ask("admin", method, target, body).status_code == 409, target
    assert clinic.get("admin", f"{person['path']}/export")["tables"]["sales_orders"]


def test_who_waits_for_an_order_is_not_erased(clinic: Any) -> None:
    made = clinic.customer()
    order = clinic.order(made["customer_id"], clinic.s1, status="ready")
    path = f"/customers/{made['customer_id']}/erasure"
    assert clinic.post("admin", path, status=409)["sales_order_ids"] == [order]
    assert clinic.get("staff", f"/customers/{made['customer_id']}") == made
    clinic.rows("UPDATE sales_orders SET status = 'delivered' WHERE sales_order_id = %s", order)
    clinic.post("admin", path, status=200)


def test_retention_finds_who_was_not_seen_for_years(clinic: Any) -> None:
    links = act(clinic, read_links)
    direct = {
        (each.child, column) for each in links if each.parent in {"customers", "patients"} for column in each.columns
    }
    assert set(ACTIVITY) == direct, "a table that refers to customers says when they were last seen"
    assert act(clinic, read_years) == 8
    long_ago, lately = "2015-03-01", dt.datetime.now(dt.UTC).date() - dt.timedelta(days=30)
    names = ("old", "old with a new order", "old with an open order", "old and never seen", "new")
    found = {name: clinic.customer()["customer_id"] for name in names}
    clinic.order(found["old"], clinic.s1, ordered_on=long_ago)
    clinic.order(found["old with a new order"], clinic.s1, ordered_on=long_ago)
    clinic.order(found["old with a new order"], clinic.s1, ordered_on=lately)
    clinic.order(found["old with an open order"], clinic.s1, status="ready", ordered_on=long_ago)
    clinic.rows("UPDATE customers SET created_at = %s WHERE customer_id = ANY(%s)", long_ago, list(found.values())[:4])
    before_on = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=8 * 365)
    due = act(clinic, find_due, before_on)
    assert {name for name, key in found.items() if key in due} == {"old", "old and never seen"}

    runner = CliRunner()
    said = runner.invoke(app, ["privacy", "retain", "--dry-run"])
    assert (said.exit_code, "2 customers would be erased" in said.output) == (0, True), said.output
    assert act(clinic, find_due, before_on) == due
    said = runner.invoke(app, ["privacy", "retain"])
    assert (said.exit_code, "2 customers were erased" in said.output) == (0, True), said.output
    assert act(clinic, find_due, before_on) == []
    assert len(clinic.rows("SELECT 1 FROM customers WHERE erased_at IS NULL AND customer_id = ANY(%s)", due)) == 0
    event = clinic.rows("SELECT * FROM audit_log WHERE kind = 'privacy.retained' ORDER BY audit_id")[-1]
    assert (event["username"], event["after"]) == ("ims privacy retain", {"years": 8, "erased": 2})


def test_the_commands_export_and_erase_by_code(clinic: Any, tmp_path: Path) -> None:
    made = clinic.customer()
    runner, out = CliRunner(), tmp_path / "held.json"
    said = runner.invoke(app, ["privacy", "export", made["customer_code"], "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert json.loads(out.read_text())["tables"]["customers"][0]["full_name"] == made["full_name"]
    assert out.stat().st_mode & 0o777 == 0o600
    said = runner.invoke(app, ["privacy", "erase", made["customer_code"], "--yes"])
    assert (said.exit_code, "erased-" in said.output) == (0, True)
    (event,) = clinic.events("privacy.erased", made["customer_id"])
    assert (event["username"], event["user_id"]) == ("ims privacy erase", None)
    for arguments in (["erase", made["customer_code"], "--yes"], ["export", "nobody", "--out", str(out)]):
        assert "no customer of this code" in str(runner.invoke(app, ["privacy", *arguments]).exception)
    wrong = runner.invoke(app, ["privacy", "export", "x", "--out", str(tmp_path / "held.xlsx")])
    assert ".json" in str(wrong.exception)


def test_no_log_line_names_anybody(clinic: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Every route with a person in its path or body, answered and refused, at the most talkative level."""
    with caplog.at_level(logging.DEBUG):
        person = make_person(clinic)
        digits = person["mobile"].lstrip("+")
        clinic.get("staff", f"/customers?q={digits}")
        clinic.get("analyst", "/customers?q=Xantippe", 403)
        clinic.post("staff", "/customers", person["body"], 409)
        clinic.post("staff", "/customers", {**person["body"], "kind": NAME, "nickname": NAME}, 422)
        clinic.post("staff", "/customers", {**person["body"], "mobile": None, "full_name": NAME + "\x00"}, 422)
        clinic.post("staff of S2", "/customers", person["body"], 403)
        clinic.post("staff of S2", "/customers/visits", {"mobile": digits, "store_id": clinic.s1}, 403)
        clinic.patch("staff", person["path"], {"email": MAIL, "tax_registration": NAME}, 422)
        clinic.get("admin", f"{person['path']}/export")
        clinic.post("admin", f"{person['path']}/erasure", status=200)
        clinic.rows("ALTER TABLE customers ADD CONSTRAINT broken CHECK (city <> 'Xyloville') NOT VALID")
        try:
            clinic.post("admin", "/customers", {**person["body"], "mobile": None}, 422)
        finally:
            clinic.rows("ALTER TABLE customers DROP CONSTRAINT broken")
    lines = [JsonFormatter().format(record) for record in caplog.records if not record.name.startswith("httpx")]
    assert lines
    for needle in (*NEEDLES, MAIL, digits):
        assert not [line for line in lines if needle in line], needle
