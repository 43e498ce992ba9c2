"""What the rules of schema raw hold back, into `lake.checks`: rows set aside, store-days and pairs not to be believed.

Computed from the rules alone: a row that was corrected comes back by itself. Rules are run again where something that
they mention changed, over the changed rows where each stands for itself; written is the difference to what stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.check import Check, Held, Waiver
from pipelines.holding import Rules, holding
from pipelines.incremental import count
from warehouse.changes import Changes
from warehouse.contracts import Contract, contract, create_table
from warehouse.lake import current_snapshot, literal
from warehouse.stamps import stamp_all, table_stamps
from warehouse.transactions import transaction

if TYPE_CHECKING:
    import duckdb

TABLES: dict[Held, str] = {
    "rows": "checks.quarantine",
    "store_days": "checks.blocked_days",
    "pairs": "checks.blocked_pairs",
}
CHANGED = "held_changes"
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
    with transaction(con):
        stamps, new = table_stamps(con), dict[str, str]()
        changes, snapshot = Changes(con), current_snapshot(con)
        written = {name for name in TABLES.values() if name not in stamps}
        for name in written:
            create_table(con, name)
        for rules in holding():
            agreed, words = contract(TABLES[rules.kind]), _digest(rules.words(waivers))
            mark = f"{agreed.name} by {rules.table}"
            known, _, since = stamps.get(mark, "").partition(" ")
            stale = _stale(con, rules, int(since), changes) if known == words else Stale()
            if stale is None:
                continue
            new[mark] = f"{words} {snapshot}"
            if stale.is_any and _write(con, agreed, found(rules, agreed, waivers, stale.batch), stale.held(rules)):
                written.add(agreed.name)
        new |= {name: _name(con, name) for name in written}
        if new:
            stamp_all(con, new)
        return {name: count(con, f"lake.{name}") for name in TABLES.values()}


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


@dataclass(frozen=True)
class Stale:
    """What must be looked at again of the table whose rows are held: all, the rows in CHANGED by `key`, or nothing."""

    is_any: bool = True
    key: str | None = None

    @property
    def batch(self) -> str:
        """The condition on rows of the table."""
        return "TRUE" if self.key is None else f"{self.key} IN (SELECT {self.key} FROM temp.{CHANGED})"

    def held(self, rules: Rules) -> str:
        """The condition on what is held by these rules."""
        if rules.kind != "rows":
            return "TRUE"
        mine = f"table_name = '{rules.table.split('.')[1]}'"
        return mine if self.key is None else f"{mine} AND row_id IN (SELECT {self.key} FROM temp.{CHANGED})"


def _stale(con: duckdb.DuckDBPyConnection, rules: Rules, since: int, changes: Changes) -> Stale | None:
    """What changes after `since` leave to look at; None where nothing that the rules read was written at all."""
    touched = [name for name in rules.upstream if changes.is_touched(name, since)]
    if not touched:
        return None
    changed = []
    for name in sorted(touched, key=lambda each: each == rules.table):  # its own rows last: they stay in CHANGED
        if not changes.can_tell(name, since):
            return Stale()
        columns = rules.columns_read(name, contract(name).column_names)
        if changes.collect(name, since, columns, columns, CHANGED):
            changed.append(name)
    (key,) = contract(rules.table).keys
    by_row = rules.is_by_row and key in rules.columns_read(rules.table, (key,))
    return Stale(bool(changed), key if changed == [rules.table] and by_row else None)


def found(rules: Rules, agreed: Contract, waivers: Sequence[Waiver], where: str) -> str:
    """The SELECT of everything that the rules hold back; a thing that breaks several of them is there once."""
    parts = [_of_rule(rules.kind, check, waivers, where) for check in rules.checks]
    columns = ", ".join(
        "string_agg(DISTINCT check_name, ', ' ORDER BY check_name) AS check_names"
        if column.name == "check_names"
        else column.name
        if column.name in agreed.keys
        else f"min({column.name}) AS {column.name}"
        for column in agreed.columns
    )
    return f"SELECT {columns} FROM ({' UNION ALL '.join(parts)}) GROUP BY {', '.join(agreed.keys)}"


def _of_rule(kind: Held, check: Check, waivers: Sequence[Waiver], where: str) -> str:
    table = f"'{check.table.split('.')[1]}'"
    columns = [each.format(table=table) for each in (*KEYS[kind], *REST[kind])]
    failing = check.failing_of(f"lake.{check.table} WHERE {where}")
    return f"SELECT {', '.join(columns)}, '{check.name}' AS check_name FROM ({failing}) AS found{_not(check, waivers)}"


def _not(check: Check, waivers: Sequence[Waiver]) -> str:
    """What is waived is not held back."""
    mine = [each for each in waivers if (each.table, each.check) == (check.table, check.name)]
    if any(each.store_code is None for each in mine):
        return " WHERE false"
    if not mine:
        return ""
    codes = ", ".join(literal(str(each.store_code)) for each in mine)
    return f" WHERE {check.store} IS NULL OR {check.store} NOT IN ({codes})"


def _write(con: duckdb.DuckDBPyConnection, agreed: Contract, found: str, where: str) -> bool:
    """Make what is held, where the condition holds, what was found; whether that wrote anything."""
    columns = ", ".join(agreed.column_names)
    con.execute(f"CREATE OR REPLACE TEMP TABLE held AS {found}")
    gone = f"(SELECT {columns} FROM lake.{agreed.name} WHERE {where} EXCEPT SELECT {columns} FROM temp.held)"
    added = f"(SELECT {columns} FROM temp.held EXCEPT FROM lake.{agreed.name})"
    has_gone, has_added = count(con, gone) > 0, count(con, added) > 0
    if has_gone:
        keys = ", ".join(agreed.keys)
        con.execute(f"DELETE FROM lake.{agreed.name} WHERE ({keys}) IN (SELECT ({keys}) FROM {gone})")
    if has_added:  # what changed but its key was deleted above
        con.execute(f"INSERT INTO lake.{agreed.name} FROM {added}")
    con.execute("DROP TABLE temp.held")
    return has_gone or has_added


def _name(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """A name for the content: what is built from it is built anew when the name differs."""
    rows = con.execute(f"SELECT CAST(held AS VARCHAR) FROM lake.{table} AS held ORDER BY 1").fetchall()
    return _digest(*(str(row[0]) for row in rows))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
