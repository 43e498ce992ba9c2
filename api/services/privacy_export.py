"""Everything held on one customer, for the customer: as one JSON document, or as a zip of CSV files, one a table.

Costs and the marks of change tracking say nothing of a person and stay out.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from typing import Any

from pydantic_core import to_json

from api.identity.policy import COST_MEMBERS
from api.services.action import Action, Row
from api.services.customers import check_exists
from api.services.exports import INSERT, Taken, describe
from api.services.privacy_map import ROOT, find_held, read_keys, read_rows

LEFT_OUT = COST_MEMBERS | {"changed_xid", "spoilage_cost_amount"}
# whose course the audit log tells, by the name it has there
AUDITED = {"customers": "customer", "patients": "patient", "prescriptions": "prescription", "eye_tests": "eye_test"}
EVENTS = """
    SELECT at, kind, entity_type, entity_id FROM audit_log
     WHERE entity_type = %(type)s AND entity_id = ANY(%(ids)s) ORDER BY at
"""
MESSAGES = """
    SELECT message_id, topic, channel, recipient, subject, payload, state, created_at, delivered_at
      FROM outbox_messages
     WHERE recipient = ANY(%(addresses)s) OR payload->>'customer_id' = %(customer)s::text
        OR payload->>'reference' = ANY(%(references)s)
     ORDER BY created_at
"""
COLUMNS = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY(%(tables)s) GROUP BY 1
"""
RUNS_AS_FORMULA = re.compile(r"^\s*[=+\-@]")
NUMBER = re.compile(r"^[+-]?[0-9.]+$")


async def collect(action: Action, customer_id: int) -> dict[str, list[Row]]:
    """Every row held on the customer, by table, with the messages to them and the events about them.

    Raises NotFound.
    """
    await check_exists(action, customer_id)
    held, keys = await find_held(action, customer_id), await read_keys(action)
    found = {table: await read_rows(action, table, keys[table], ids) for table, ids in held.items()}
    events: list[Row] = []
    for table, name in AUDITED.items():
        events += await action.rows(EVENTS, type=name, ids=[str(key) for key in held[table]])
    (customer,) = found[ROOT]
    found["outbox_messages"] = await action.rows(MESSAGES, **addressed(customer, found["sales_orders"]))
    found["audit_log"] = sorted(events, key=lambda event: event["at"])
    return {table: [_cut(row) for row in rows] for table, rows in found.items()}


async def export_customer(action: Action, customer_id: int, form: str) -> bytes:
    """The file of everything held on a customer; that it was taken is recorded. Raises NotFound."""
    content, row_count = await write_export(action, customer_id, form)
    taken = Taken("customer", form, {"customer_id": customer_id}, row_count, content)
    await action.execute(INSERT, **describe(action.user, taken))
    return content


async def write_export(action: Action, customer_id: int, form: str) -> tuple[bytes, int]:
    """The file's bytes, and how many rows it holds. Raises NotFound."""
    found = await collect(action, customer_id)
    row_count = sum(len(rows) for rows in found.values())
    if form == "json":
        content = _json(customer_id, found)
    else:
        columns = {row["table_name"]: row["columns"] for row in await action.rows(COLUMNS, tables=list(found))}
        content = _zip(found, columns)
    action.note("privacy.exported", "customer", customer_id, after={"customer_id": customer_id, "format": form})
    return content, row_count


def addressed(customer: Row, orders: list[Row]) -> dict[str, Any]:
    """How messages to a customer are known: by address, by key, by the number of an order."""
    return {
        "addresses": [value for value in (customer["email"], customer["mobile"]) if value],
        "customer": customer["customer_id"],
        "references": [row["order_number"] for row in orders if row["order_number"]],
    }


def _cut(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in LEFT_OUT}


def _json(customer_id: int, found: dict[str, list[Row]]) -> bytes:
    document = {"customer_id": customer_id, "exported_at": dt.datetime.now(dt.UTC), "tables": found}
    return to_json(document, indent=1)


def _zip(found: dict[str, list[Row]], columns: dict[str, list[str]]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, rows in found.items():
            names = list(rows[0]) if rows else [name for name in columns[table] if name not in LEFT_OUT]
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow(names)
            writer.writerows([_cell(row[name]) for name in names] for row in rows)
            archive.writestr(f"{table}.csv", text.getvalue())
    return content.getvalue()


def _cell(value: Any) -> Any:
    """As a spreadsheet may have it: nothing somebody typed runs as a formula."""
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, str) and RUNS_AS_FORMULA.match(value) and not NUMBER.match(value):
        return f"'{value}"
    return value
