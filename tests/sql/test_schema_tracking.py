"""The database itself keeps the change tracking that the extract rests on."""

from __future__ import annotations

import psycopg
import pytest
from alembic import command

import api.database as database


@pytest.fixture
def connection(installation):
    with psycopg.connect(installation.databases.operational) as opened:
        yield opened


def test_models_and_migrations_agree(installation):
    command.check(database._config(installation.databases.operational))


def test_an_update_carries_its_transaction(connection):
    insert = "INSERT INTO vendors (vendor_code, name) VALUES ('V', 'v') RETURNING changed_xid"
    (written,) = connection.execute(insert).fetchone()
    connection.commit()
    same = "UPDATE vendors SET name = 'v' RETURNING changed_xid"
    assert connection.execute(same).fetchone() == (written,)
    connection.commit()
    changed = "UPDATE vendors SET name = 'w' RETURNING changed_xid, pg_current_xact_id()::text::bigint"
    now, transaction = connection.execute(changed).fetchone()
    assert now == transaction > written


def test_a_delete_leaves_a_tombstone(connection):
    insert = "INSERT INTO vendors (vendor_code, name) VALUES ('V', 'v'), ('W', 'w') RETURNING vendor_id"
    ids = {row[0] for row in connection.execute(insert).fetchall()}
    connection.execute("DELETE FROM vendors")
    found = connection.execute("SELECT table_name, row_id FROM deleted_rows").fetchall()
    assert set(found) == {("vendors", each) for each in ids}


def test_every_tracked_table_has_its_triggers(connection):
    tracked = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'changed_xid'"
    ).fetchall()
    found = connection.execute(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname IN ('touch', 'leave_tombstones')"
        " GROUP BY 1 HAVING count(*) = 2"
    ).fetchall()
    assert {row[0] for row in tracked} - {"deleted_rows"} == {row[0] for row in found}


@pytest.mark.parametrize("statement", ["UPDATE stock_moves SET quantity = 2", "DELETE FROM stock_moves"])
def test_the_ledger_is_append_only(connection, statement):
    with pytest.raises(psycopg.errors.RaiseException, match="reversed, never changed"):
        connection.execute(statement)
