"""The second wall: what the application's role can see and do, whatever the services ask."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command

import api.database as database

# tables with a store that are read before anybody's reach is known, or that say where things are and nothing else
WITHOUT_POLICY = {"audit_log", "stock_locations", "stores", "user_stores"}
STORES = {"S01": 1, "S02": 2}


@pytest.fixture
def connection(installation) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installation.databases.operational, autocommit=True) as opened:
        for code in STORES:
            opened.execute("INSERT INTO stores (store_code, name) VALUES (%s, %s)", (code, code))
        opened.execute("SET ROLE ims_app")
        yield opened


def reach(connection: psycopg.Connection, *codes: str) -> None:
    connection.execute("RESET ROLE")
    ids = [
        connection.execute("SELECT store_id FROM stores WHERE store_code = %s", (code,)).fetchone()[0] for code in codes
    ]
    connection.execute("SET ROLE ims_app")
    connection.execute("SELECT set_config('ims.store_ids', %s, false)", ("{" + ",".join(map(str, ids)) + "}",))


def add_customer(connection: psycopg.Connection, code: str, store: str) -> None:
    connection.execute(
        "INSERT INTO customers (customer_code, home_store_id) SELECT %s, store_id FROM stores WHERE store_code = %s",
        (code, store),
    )


def test_every_table_of_a_store_has_a_policy(connection) -> None:
    """A new table with a store, or a child of one, is never forgotten."""
    tables = connection.execute(
        "SELECT c.relname, c.relrowsecurity FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    ).fetchall()
    secured = {name for name, is_secured in tables if is_secured}
    with_store = connection.execute(
        "SELECT DISTINCT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name LIKE '%%store\\_id' AND table_name = ANY (%s)",
        ([name for name, _ in tables],),
    ).fetchall()
    assert {name for (name,) in with_store} - secured == WITHOUT_POLICY
    children = connection.execute(
        "SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
        " WHERE contype = 'f' AND conparentid = 0"
    ).fetchall()
    # a row that cannot be without a secured one is secured too (optional links, as from users to stores, do not count)
    unsecured = {
        (child, parent)
        for child, parent in children
        if parent in secured and child not in secured and child not in WITHOUT_POLICY
    }
    assert unsecured == {("stock_move_reversals", "stock_moves")}  # pairs of ids


def test_partitions_cannot_be_read_around_the_policy(connection) -> None:
    open_ones = connection.execute(
        "SELECT c.relname FROM pg_class AS c WHERE c.relispartition AND has_table_privilege('ims_app', c.oid, 'SELECT')"
    ).fetchall()
    assert open_ones == []


def test_without_a_word_nothing_is_seen(connection) -> None:
    connection.execute("RESET ROLE")
    add_customer(connection, "C1", "S01")
    connection.execute("SET ROLE ims_app")
    assert connection.execute("SELECT count(*) FROM customers").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        add_customer(connection, "C2", "S01")


def test_rows_of_the_stores_in_reach_and_no_others(connection) -> None:
    connection.execute("RESET ROLE")
    add_customer(connection, "C1", "S01")
    add_customer(connection, "C2", "S02")
    reach(connection, "S02")
    assert connection.execute("SELECT customer_code FROM customers").fetchall() == [("C2",)]
    assert connection.execute("UPDATE customers SET city = 'x'").rowcount == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        add_customer(connection, "C3", "S01")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):  # nor pushed over the wall
        connection.execute(
            "UPDATE customers SET home_store_id = (SELECT store_id FROM stores WHERE store_code = 'S01')"
        )
    reach(connection, "S01", "S02")
    assert connection.execute("SELECT count(*) FROM customers").fetchone() == (2,)


def test_a_reach_that_is_no_list_of_stores_is_an_error_not_everything(connection) -> None:
    connection.execute("RESET ROLE")
    add_customer(connection, "C1", "S01")
    connection.execute("SET ROLE ims_app")
    connection.execute("SELECT set_config('ims.store_ids', 'all', false)")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        connection.execute("SELECT * FROM customers")


def test_whose_a_hidden_row_is_can_be_asked(connection) -> None:
    connection.execute("RESET ROLE")
    add_customer(connection, "C1", "S01")
    key = connection.execute("SELECT customer_id FROM customers").fetchone()[0]
    reach(connection, "S02")
    store = connection.execute("SELECT store_id FROM stores WHERE store_code = 'S01'").fetchone()[0]
    assert connection.execute("SELECT ims_store_of('customers', %s)", (key,)).fetchone() == ([store],)
    assert connection.execute("SELECT ims_store_of('customers', %s)", (key + 1,)).fetchone() == (None,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET username = 'x'",
        "DELETE FROM audit_log",
        "INSERT INTO audit_log (chain_no) VALUES (1)",
        "UPDATE audit_chains SET chain_seq = 0",
        "UPDATE stock_balances SET on_hand = 5",
        "INSERT INTO stock_balances (location_id, product_id, on_hand) VALUES (1, 1, 1)",
        "UPDATE stock_moves SET quantity = 5",
        "DELETE FROM stock_moves",
        "DELETE FROM sales_orders",
        "DELETE FROM customers",
        "DELETE FROM users",
        "UPDATE publication_pointer SET publication_id = 1",
        "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
        "DROP POLICY in_reach ON customers",
        "TRUNCATE customers",
        "CREATE TABLE mine (a integer)",
        "SET session_replication_role = replica",
    ],
)
def test_what_the_role_may_not_do(connection, statement: str) -> None:
    connection.execute("SELECT set_config('ims.store_ids', '*', false)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.slow
def test_every_migration_goes_back_and_forth(installation) -> None:
    config = database._config(installation.databases.operational)
    command.downgrade(config, "0002")
    command.upgrade(config, "head")
    command.check(config)
