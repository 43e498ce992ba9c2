"""Whether a folder is, byte for byte, what the last import loaded, with nothing changed since: nothing is to be done.

Only the last import counts: after any other one, or any change by the application, the rows themselves are compared.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from api.imports.files import FILES
from api.imports.loading import Connection
from api.imports.records.derivation import record_files
from api.imports.report import FileCount, ImportReport

# raise it when the same bytes would be loaded in another way than before
READING = 2
TABLES = (
    *(spec.table for spec in FILES), "customers", "sales_orders", "sales_order_lines", "purchase_orders", "stock_moves",
)  # fmt: skip


def mark_moment(connection: Connection) -> dict[str, int]:
    """What `repeat_import` needs to see later changes: this transaction, and the oldest one still open beside it."""
    row = connection.execute(
        "SELECT pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    ).fetchone()
    assert row is not None
    return {"reading": READING, "xid": int(str(row[0])), "xmin": int(str(row[1]))}


def repeat_import(
    connection: Connection, found: dict[str, Path], report: ImportReport, is_quarantine: bool = False
) -> bool:
    """True when the folder was the last one loaded and nothing has changed; its counts are then in the report."""
    row = connection.execute("SELECT report, as_of FROM imports ORDER BY import_id DESC LIMIT 1").fetchone()
    if row is None:
        return False
    last: dict[str, Any] = row[0]  # type: ignore[assignment]  # jsonb arrives as a dict
    moment = last.get("moment", {})
    before = {each["name"]: each["sha256"] for each in last["files"]}
    has_broken = any(each.get("quarantined") for each in last["files"])
    if has_broken and not is_quarantine:
        return False
    if moment.get("reading") != READING or before.keys() != {path.name for path in found.values()}:
        return False
    try:
        if any(_digest(path) != before[path.name] for path in found.values()):
            return False
    except OSError:
        return False  # reading it in earnest will say what is wrong
    tables = [*TABLES, *(name for name in record_files() if name in found)]
    if _is_changed(connection, tables, moment["xid"], moment["xmin"]):
        return False
    for each in last["files"]:
        known = each["added"] + each["changed"] + each["unchanged"]
        count = FileCount(each["name"], each["sha256"], each["rows"], unchanged=known, summed=each["summed"])
        count.quarantined = each.get("quarantined", 0)
        report.files.append(count)
    report.as_of = row[1]  # type: ignore[assignment]  # a date column
    report.is_unchanged = True
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_changed(connection: Connection, tables: list[str], xid: int, xmin: int) -> bool:
    # a transaction that was open beside the import may have a smaller id and have committed after it
    parts = [
        f"EXISTS (SELECT FROM {table} WHERE changed_xid >= %(xmin)s AND changed_xid <> %(xid)s)" for table in tables
    ]
    parts.append("EXISTS (SELECT FROM deleted_rows WHERE changed_xid >= %(xmin)s AND changed_xid <> %(xid)s)")
    parts.append("(SELECT updated_at FROM chain) > (SELECT max(imported_at) FROM imports)")
    row = connection.execute(f"SELECT {' OR '.join(parts)}", {"xid": xid, "xmin": xmin}).fetchone()
    return row is None or row[0] is not False
