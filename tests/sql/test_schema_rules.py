"""Every rule that a constraint keeps lets a good row in and refuses a bad one; `schema_rules.toml` holds the rows."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import ExcludeConstraint, dialect

from api.schema import (
    catalogue,
    clinical,
    customers,
    finance,
    masters,
    organisation,
    receipts,
    returns,
    sales,
    settings,
    supply,
    workshop,
)
from api.schema.base import Base

RULES: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("schema_rules.toml").read_text("utf-8"))
MODULES = (
    catalogue, clinical, customers, finance, masters, organisation, receipts, returns, sales, settings, supply,
    workshop,
)  # fmt: skip
TABLES = {
    each.__tablename__
    for module in MODULES
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, Base) and each.__module__ == module.__name__
} - {"chain"}
# a trigger adds the category and the brand that a product names
NAMED_FREELY = {"fk_products_category", "fk_products_brand"}
APPEND_ONLY = {"customer_consents", "lab_job_events", "data_exports"}
# words in a row that say how it is written, and are no columns
NOTES = {"overriding", "twice", "instead"}
PREPARER = dialect().identifier_preparer


class Rows:
    """Writes the rows of `schema_rules.toml` in one transaction, and remembers the key of each table's first one."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        users = "INSERT INTO users (username, password_hash) VALUES (%s, '-') RETURNING user_id"
        self.keys = {name: connection.execute(users, [name]).fetchone()[0] for name in ("requester", "approver")}

    def key_of(self, table: str) -> str:
        return next(iter(Base.metadata.tables[table].primary_key)).name

    def write(self, table: str, row: dict[str, Any]) -> int:
        columns = [name for name in row if name not in NOTES]
        # the longest name first: @sales_orders is no @sales
        values = [str(row[name]) for name in columns]
        for name in sorted(self.keys, key=len, reverse=True):
            values = [value.replace(f"@{name}", str(self.keys[name])) for value in values]
        overriding = "OVERRIDING SYSTEM VALUE " if "overriding" in row else ""
        written = self.connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) {overriding}VALUES ({', '.join(values)})"
            f" RETURNING {self.key_of(table)}"
        ).fetchone()
        return int(written[0])

    def refusal(self, statements: Any) -> str | None:
        """The constraint that refuses, by the name it has on the partitioned table; None when nothing does."""
        try:
            with self.connection.transaction():
                statements()
                self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                raise psycopg.Rollback
        except psycopg.errors.IntegrityError as error:
            name = error.diag.constraint_name
        else:
            return None
        parent = self.connection.execute(
            "SELECT p.conname FROM pg_constraint AS c JOIN pg_constraint AS p ON p.oid = c.conparentid"
            " WHERE c.conname = %s UNION SELECT p.conname FROM pg_inherits AS i"
            " JOIN pg_class AS x ON x.oid = i.inhrelid JOIN pg_constraint AS p ON p.conindid = i.inhparent"
            " WHERE x.relname = %s",
            [name, name],
        ).fetchone()
        return name if parent is None else str(parent[0])


@pytest.fixture
def rows(installation):
    with psycopg.connect(installation.databases.operational) as connection:
        filled = Rows(connection)
        for table, given in RULES.items():
            if "instead" in given["row"]:
                connection.execute(f"DELETE FROM {table}")
            filled.keys[table] = filled.write(table, given["row"])
        # what a second exchange needs to differ in
        spare = {"order_ref": "'SO9'", "order_number": "NULL", "invoice_number": "NULL", "invoiced_on": "NULL"}
        filled.write("sales_orders", {**RULES["sales_orders"]["row"], **spare})
        spare = {"return_number": "'R9'", "credit_note_number": "NULL"}
        filled.write("sales_returns", {**RULES["sales_returns"]["row"], **spare})
        yield filled
        connection.rollback()


def test_each_rule_refuses_what_breaks_it(rows):
    refused = {}
    for table, given in RULES.items():
        for rule, change in given["breaks"].items():
            if change == "never":
                continue  # unique because the key alone is; it is there to be referenced
            row = {**given["row"], **change}
            times = 2 if "twice" in change else 1
            name = rule if rule.startswith(("uq_", "ex_")) else f"ck_{table}_{rule}"
            refused[name] = rows.refusal(lambda t=table, r=row, n=times: [rows.write(t, r) for _ in range(n)])
    assert {name: by for name, by in refused.items() if by != name} == {}


def test_what_only_looks_like_a_breach_holds(rows):
    refused = {}
    for table, given in RULES.items():
        for case, change in given.get("holds", {}).items():
            row = {**given["row"], **change}
            refused[table, case] = rows.refusal(lambda t=table, r=row: rows.write(t, r))
    assert {case: by for case, by in refused.items() if by is not None} == {}


def test_each_reference_refuses_what_is_not_there(rows):
    found = rows.connection.execute(
        "SELECT conrelid::regclass::text, conname, attname FROM pg_constraint"
        " JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]"
        " WHERE contype = 'f' AND conparentid = 0 AND conrelid::regclass::text = ANY (%s)",
        [sorted(TABLES)],
    ).fetchall()
    refused = {}
    for table, name, column in found:
        if name in NAMED_FREELY:
            continue
        if table in APPEND_ONLY:
            row = {**RULES[table]["row"], column: -1}
            refused[name] = rows.refusal(lambda t=table, r=row: rows.write(t, r))
        else:
            key = rows.key_of(table)
            also = "version = 2, " if column == "supersedes_id" else ""  # the first version supersedes none
            statement = f"UPDATE {table} SET {also}{column} = -1 WHERE {key} = {rows.keys[table]}"
            refused[name] = rows.refusal(lambda s=statement: rows.connection.execute(s))
    assert {name: by for name, by in refused.items() if by != name} == {}
    assert len(refused) > 100


def test_a_category_in_use_stays(rows):
    for table in ("categories", "brands"):
        delete = f"DELETE FROM {table} WHERE {rows.key_of(table)} = {rows.keys[table]}"
        assert rows.refusal(lambda s=delete: rows.connection.execute(s)) is not None


def test_every_rule_is_tried(rows):
    there = rows.connection.execute(
        "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'x') AND conrelid::regclass::text = ANY (%(t)s)"
        " UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique AND NOT indisprimary"
        " AND indrelid::regclass::text = ANY (%(t)s)",
        {"t": sorted(TABLES)},
    ).fetchall()
    tried = {
        rule if rule.startswith(("uq_", "ex_")) else f"ck_{table}_{rule}"
        for table, given in RULES.items()
        for rule in given["breaks"]
    }
    assert set(RULES) == TABLES
    assert {row[0] for row in there} == tried


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_what_was_recorded_stays(rows, table):
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {rows.key_of(table)} = DEFAULT"):
        with pytest.raises(psycopg.errors.RaiseException, match="stays"), rows.connection.transaction():
            rows.connection.execute(statement)


def test_the_models_state_the_rules_that_are_there(rows):
    there = rows.connection.execute(
        "SELECT conrelid::regclass::text || ' ' || conname FROM pg_constraint"
        " WHERE contype IN ('c', 'u', 'x') AND conrelid::regclass::text = ANY (%s)",
        [sorted(Base.metadata.tables)],
    ).fetchall()
    stated = {
        f"{table.name} {PREPARER.format_constraint(rule)}"
        for table in Base.metadata.tables.values()
        for rule in table.constraints
        if isinstance(rule, CheckConstraint | UniqueConstraint | ExcludeConstraint)
    }
    assert stated == {row[0] for row in there}
