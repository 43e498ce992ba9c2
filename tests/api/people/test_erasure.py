"""Erasure and retention: nothing personal is left over anywhere, the books stay whole, and it is done once."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from api.schema.customers import PERSONAL
from api.services.privacy_map import read_links
from api.services.privacy_retention import ACTIVITY, find_due, read_years
from ims.cli import app


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


def test_an_erased_person_is_nowhere_and_the_books_are_whole(clinic: Any) -> None:
    clinic.rows("DELETE FROM idempotency_keys")
    for person in clinic.rows("SELECT customer_id FROM customers WHERE full_name = %s", clinic.name):
        clinic.post("admin", f"/customers/{person['customer_id']}/erasure", status=200)
    person = clinic.person()
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

    left = {
        table: [each for each in (*clinic.needles, person["mobile"]) if each in text]
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
    assert clinic.post("staff", "/customers/search", {"q": "Xantippe"}, 200)["items"] == []
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
    links = clinic.act(read_links)
    direct = {
        (each.child, column) for each in links if each.parent in {"customers", "patients"} for column in each.columns
    }
    assert set(ACTIVITY) == direct, "a table that refers to customers says when they were last seen"
    assert clinic.act(read_years) == 8
    long_ago, lately = "2015-03-01", dt.datetime.now(dt.UTC).date() - dt.timedelta(days=30)
    names = ("old", "old with a new order", "old with an open order", "old and never seen", "new")
    found = {name: clinic.customer()["customer_id"] for name in names}
    clinic.order(found["old"], clinic.s1, ordered_on=long_ago)
    clinic.order(found["old with a new order"], clinic.s1, ordered_on=long_ago)
    clinic.order(found["old with a new order"], clinic.s1, ordered_on=lately)
    clinic.order(found["old with an open order"], clinic.s1, status="ready", ordered_on=long_ago)
    clinic.rows("UPDATE customers SET created_at = %s WHERE customer_id = ANY(%s)", long_ago, list(found.values())[:4])
    before_on = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=8 * 365)
    due = clinic.act(find_due, before_on)
    assert {name for name, key in found.items() if key in due} == {"old", "old and never seen"}

    runner = CliRunner()
    said = runner.invoke(app, ["privacy", "retain", "--dry-run"])
    assert (said.exit_code, "2 customers would be erased" in said.output) == (0, True), said.output
    assert clinic.act(find_due, before_on) == due
    said = runner.invoke(app, ["privacy", "retain"])
    assert (said.exit_code, "2 customers were erased" in said.output) == (0, True), said.output
    assert clinic.act(find_due, before_on) == []
    assert len(clinic.rows("SELECT 1 FROM customers WHERE erased_at IS NULL AND customer_id = ANY(%s)", due)) == 0
    event = clinic.rows("SELECT * FROM audit_log WHERE kind = 'privacy.retained' ORDER BY audit_id")[-1]
    assert (event["username"], event["after"]) == ("privacy retention", {"years": 8, "erased": 2})


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
