"""What the rules of schema raw hold back, into `lake.checks`: rows set aside, store-days and pairs not to be believed.

Computed anew from the rules in every run, so nothing is remembered: a row that was corrected comes back by itself.
Written as the difference to what stands; a run that finds the same writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from expectations.check import Check, Held, Waiver
from expectations.rules import holding_rules
from warehouse.contracts import Contract, contract, create_table
from warehouse.stamps import stamp, table_stamps
from warehouse.transactions import transaction

if TYPE_CHECKING:
    import duckdb

TABLES: dict[Held, str] = {
    "rows": "checks.quarantine",
    "store_days": "checks.blocked_days",
    "pairs": "checks.blocked_pairs",
}
MOST_DAYS = 100  # a passport is read by people
# what names a held thing, and what is kept of it beside that; `found` is a row that a rule selects
KEYS: dict[Held, tuple[str, ...]] = {
    "rows": ("{table} AS table_name", "row_id"),
    "store_days": ("store_code", "day_on"),
    "pairs": ("store_code", "sku"),
}
REST: dict[Held, tuple[str, ...]] = {
    "rows": ("store_code", "day_on", "CAST(to_json(found) AS VARCHAR) AS row"),
    "store_days": (),
    "pairs": (),
}


def hold_back(con: duckdb.DuckDBPyConnection, waivers: Sequence[Waiver] = ()) -> dict[str, int]:
    """Bring `lake.checks` up to the rules; how many rows each of its tables holds. Needs schema raw as extracted."""
    held = {}
    with transaction(con):
        stamps = table_stamps(con)
        for kind, name in TABLES.items():
            agreed = contract(name)
            create_table(con, name)
            con.execute(f"CREATE OR REPLACE TEMP TABLE held AS {_found(kind, agreed, waivers)}")
            held[name] = _write(con, agreed, is_new=name not in stamps)
            con.execute("DROP TABLE temp.held")
    return held


def held_back(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """What stays out of the figures, for the passport: rows by table, the store-days, how many pairs get no order."""
    rows = con.execute("SELECT table_name, count(*) FROM lake.checks.quarantine GROUP BY 1 ORDER BY 1").fetchall()
    days = con.execute(
        "SELECT store_code, CAST(day_on AS VARCHAR), check_names FROM lake.checks.blocked_days"
        f" ORDER BY day_on DESC, store_code LIMIT {MOST_DAYS}"
    ).fetchall()
    pairs = con.execute("SELECT store_code, count(*) FROM lake.checks.blocked_pairs GROUP BY 1 ORDER BY 1").fetchall()
    return {
        "rows": dict(rows),
        "store_days": [{"store": store, "day": day, "why": why} for store, day, why in days],
        "pairs": dict(pairs),
    }


def _found(kind: Held, agreed: Contract, waivers: Sequence[Waiver]) -> str:
    """The SELECT of everything that rules of this kind hold back; a thing that breaks several rules is there once."""
    rules = [check for check in holding_rules() if check.holds_back == kind]
    parts = [_of_rule(kind, check, waivers) for check in rules]
    if not parts:
        nothing = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in agreed.columns)
        return f"SELECT {nothing} WHERE false"
    columns = ", ".join(
        "string_agg(DISTINCT check_name, ', ' ORDER BY check_name) AS check_names"
        if column.name == "check_names"
        else column.name
        if column.name in agreed.keys
        else f"min({column.name}) AS {column.name}"
        for column in agreed.columns
    )
    return f"SELECT {columns} FROM ({' UNION ALL '.join(parts)}) GROUP BY {', '.join(agreed.keys)}"


def _of_rule(kind: Held, check: Check, waivers: Sequence[Waiver]) -> str:
    table = f"'{check.table.split('.')[1]}'"
    columns = [each.format(table=table) for each in (*KEYS[kind], *REST[kind])]
    failing = check.failing_of(f"lake.{check.table}")
    return f"SELECT {', '.join(columns)}, '{check.name}' AS check_name FROM ({failing}) AS found{_not(check, waivers)}"


def _not(check: Check, waivers: Sequence[Waiver]) -> str:
    """What is waived is not held back."""
    mine = [each for each in waivers if (each.table, each.check) == (check.table, check.name)]
    if any(each.store_code is None for each in mine):
        return " WHERE false"
    if not mine:
        return ""
    codes = ", ".join("'" + str(each.store_code).replace("'", "''") + "'" for each in mine)
    return f" WHERE {check.store} IS NULL OR {check.store} NOT IN ({codes})"


def _write(con: duckdb.DuckDBPyConnection, agreed: Contract, is_new: bool) -> int:
    columns = ", ".join(agreed.column_names)
    both = f"(FROM lake.{agreed.name} EXCEPT SELECT {columns} FROM temp.held)"
    new = f"(SELECT {columns} FROM temp.held EXCEPT FROM lake.{agreed.name})"
    (gone,), (added,) = (con.execute(f"SELECT count(*) FROM {each}").fetchall()[0] for each in (both, new))
    if gone:
        keys = ", ".join(agreed.keys)
        con.execute(f"DELETE FROM lake.{agreed.name} WHERE ({keys}) IN (SELECT ({keys}) FROM {both})")
    if added:
        # what changed but its key was deleted above
        con.execute(
            f"INSERT INTO lake.{agreed.name} FROM (SELECT {columns} FROM temp.held EXCEPT FROM lake.{agreed.name})"
        )
    if gone or added or is_new:
        stamp(con, agreed.name, _name(con))
    return int(con.execute("SELECT count(*) FROM temp.held").fetchall()[0][0])


def _name(con: duckdb.DuckDBPyConnection) -> str:
    """A name for the content: what is built from it is built anew when the name differs."""
    rows = con.execute("SELECT CAST(held AS VARCHAR) FROM temp.held AS held ORDER BY 1").fetchall()
    return hashlib.sha256("\n".join(str(row[0]) for row in rows).encode()).hexdigest()[:16]
