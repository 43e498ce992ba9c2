"""Every invariant holds in a sound database and finds what breaks it; the command says so and ends with 1."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from typer.testing import CliRunner

from api.services.invariants import broken_rows, check_invariants, count_broken, invariants
from ims.cli import app
from ims.failure import Failure

# what would have to go wrong: written with every trigger and reference asleep, as only a superuser can
CLOSE = "UPDATE stock_transfers SET status = 'received', received_by = shipped_by, received_at = now()"
BREAKS = {
    "a_unit_is_in_one_place": "UPDATE stock_balances SET on_hand = 1 WHERE stock_unit_id IS NOT NULL",
    "balances_equal_moves": "UPDATE stock_balances SET on_hand = on_hand + 1 WHERE product_id = {A}",
    "closed_transfers_are_settled": CLOSE,
    "moves_go_somewhere": "UPDATE stock_moves SET destination_location_id = source_location_id WHERE kind = 'count'",
    "no_place_below_zero": "UPDATE stock_balances SET on_hand = -1 WHERE product_id = {A}",
    "on_hand_covers_reserved": "UPDATE stock_balances SET reserved = 99 WHERE product_id = {A}",
    "receipts_are_in_the_ledger": "UPDATE goods_receipt_lines SET received_qty = 9, accepted_qty = 9",
    "reserved_equals_reservations": "UPDATE stock_balances SET reserved = 3 WHERE product_id = {A}",
    "reversals_mirror": "UPDATE stock_moves SET quantity = 7 WHERE kind = 'reversal'",
    "reversals_name_their_move": "DELETE FROM stock_move_reversals",
    "transit_holds_what_is_open": "UPDATE stock_transfer_lines SET received_qty = 1",
    "transit_is_of_transfers": CLOSE,
}
CHECKS = {
    "stock_moves": "ck_stock_moves_moves_somewhere",
    "stock_balances": "ck_stock_balances_on_hand, DROP CONSTRAINT uq_stock_balances_held_unit_id",
}
FILL = """
    INSERT INTO stores (store_code, name) VALUES ('S', 's'), ('T', 't');
    INSERT INTO products (sku, name, category) VALUES ('A', 'a', 'c'), ('F', 'f', 'c');
    INSERT INTO users (username, password_hash) VALUES ('u', 'x'), ('v', 'x');
    INSERT INTO stock_units (product_id, serial) SELECT product_id, 's1' FROM products WHERE sku = 'F';
"""
MOVE = """
    INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on, kind,
        stock_unit_id, posted_by, reference_type, reference_id)
    VALUES (%(product)s, %(source)s, %(destination)s, %(quantity)s, '2024-05-15', %(kind)s, %(unit)s,
        (SELECT min(user_id) FROM users), %(type)s, %(reference)s) RETURNING stock_move_id
"""


@pytest.fixture
def connection(installation):
    """A ledger with a bit of everything: units, a count, a reversal, a reservation, a transfer on its way."""
    with psycopg.connect(installation.databases.operational) as opened:
        opened.execute(FILL)
        fill(opened)
        opened.commit()
        yield opened


def fill(connection):
    places = {
        (kind, code): key
        for kind, code, key in connection.execute(
            "SELECT l.kind, store_code, location_id FROM stock_locations AS l LEFT JOIN stores USING (store_id)"
        )
    }
    products = dict(connection.execute("SELECT sku, product_id FROM products").fetchall())
    outside = {kind: places[kind, None] for kind in ("vendor", "customer", "loss")}
    shelf, transit = places["store", "S"], places["transit", "T"]

    def move(sku, source, destination, quantity, kind, unit=None, line=None, of="stock_transfer_line"):
        values = {"product": products[sku], "source": source, "destination": destination, "quantity": quantity}
        values |= {"kind": kind, "unit": unit, "type": line and of, "reference": line}
        return connection.execute(MOVE, values).fetchone()[0]

    receipt = move("A", outside["vendor"], shelf, 9, "receipt")
    move("A", outside["vendor"], shelf, 9, "receipt")
    move("A", shelf, outside["loss"], 1, "count")
    back = move("A", shelf, outside["vendor"], 9, "reversal")
    connection.execute(
        "INSERT INTO stock_move_reversals (reversed_move_id, reversed_on, reversal_move_id, reversal_on, reason)"
        " VALUES (%s, '2024-05-15', %s, '2024-05-15', 'wrong box')",
        [receipt, back],
    )
    (unit,) = connection.execute("SELECT stock_unit_id FROM stock_units").fetchone()
    move("F", outside["vendor"], shelf, 1, "receipt", unit)
    move("F", shelf, outside["customer"], 1, "sale", unit)
    move("F", outside["customer"], places["store", "T"], 1, "return", unit)
    (line,) = connection.execute(
        """WITH t AS (
            INSERT INTO stock_transfers (from_store_id, to_store_id, status, requested_by, approved_by, approved_at,
                shipped_by, shipped_at)
            SELECT s.store_id, t.store_id, 'shipped', min(user_id), max(user_id), now(), max(user_id), now()
            FROM stores AS s, stores AS t, users WHERE s.store_code = 'S' AND t.store_code = 'T'
            GROUP BY s.store_id, t.store_id RETURNING stock_transfer_id)
        INSERT INTO stock_transfer_lines (stock_transfer_id, product_id, requested_qty, approved_qty, shipped_qty)
        SELECT stock_transfer_id, %s, 3, 3, 2 FROM t RETURNING stock_transfer_line_id""",
        [products["A"]],
    ).fetchone()
    move("A", shelf, transit, 2, "transfer_ship", line=line)
    (line,) = connection.execute(
        """WITH o AS (
            INSERT INTO purchase_orders (order_ref) VALUES ('PO1') RETURNING purchase_order_id),
        l AS (
            INSERT INTO purchase_order_lines (purchase_order_id, store_id, product_id, open_qty, received_qty,
                expected_on)
            SELECT purchase_order_id, (SELECT store_id FROM stores WHERE store_code = 'S'), %s, 3, 4, '2024-05-15'
            FROM o RETURNING purchase_order_id, purchase_order_line_id, store_id),
        r AS (
            INSERT INTO goods_receipts (receipt_number, purchase_order_id, store_id, received_on, state, accepted_at,
                created_by)
            SELECT 'R1', purchase_order_id, store_id, '2024-05-15', 'accepted', now(), (SELECT min(user_id) FROM users)
            FROM l RETURNING goods_receipt_id)
        INSERT INTO goods_receipt_lines (goods_receipt_id, purchase_order_line_id, received_qty, accepted_qty)
        SELECT goods_receipt_id, purchase_order_line_id, 4, 4 FROM r, l RETURNING goods_receipt_line_id""",
        [products["A"]],
    ).fetchone()
    move("A", outside["vendor"], shelf, 4, "receipt", line=line, of="goods_receipt_line")
    connection.execute(
        "INSERT INTO stock_reservations (location_id, product_id, quantity, reference_type, reference_id)"
        " VALUES (%s, %s, 2, 'sales_order_line', 1)",
        [shelf, products["A"]],
    )


def ask(connection):
    return {each.name for each in invariants() if count_broken(connection, each)}


def test_a_sound_database_breaks_nothing_and_every_stock_rule_can_be_broken(connection):
    assert ask(connection) == set()
    assert not any(check_invariants(connection).values())
    assert "on_hand_covers_reserved" not in check_invariants(connection)
    assert all(each.rule and len(each.rule) < 130 for each in invariants())
    assert BREAKS.keys() <= {each.name for each in invariants()}


def test_what_breaks_a_rule_is_found(connection):
    (product,) = connection.execute("SELECT product_id FROM products WHERE sku = 'A'").fetchone()
    connection.commit()
    for name, statement in BREAKS.items():
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL session_replication_role = replica")
            for table, constraint in CHECKS.items():
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
            assert connection.execute(statement.format(A=product)).rowcount > 0, name
            assert name in ask(connection)
            (invariant,) = [each for each in invariants() if each.name == name]
            assert broken_rows(connection, invariant), name


def test_the_command_names_what_is_broken(connection):
    runner = CliRunner()
    sound = runner.invoke(app, ["invariants"], catch_exceptions=False)
    assert sound.exit_code == 0
    assert "holds      balances_equal_moves" in sound.output
    connection.execute("SET session_replication_role = replica")
    connection.execute("UPDATE stock_balances SET on_hand = on_hand + 1 WHERE stock_unit_id IS NULL")
    connection.commit()
    broken = runner.invoke(app, ["invariants"])
    assert isinstance(broken.exception, Failure)
    assert "BROKEN     balances_equal_moves" in broken.output
    assert "balance 11, moves 10" in broken.output


def test_nobody_types_on_hand(connection):
    for statement in (
        "UPDATE stock_balances SET on_hand = 100",
        "INSERT INTO stock_balances (location_id, product_id, on_hand) SELECT location_id, product_id, 1"
        " FROM stock_locations, products WHERE is_internal",
        "DELETE FROM stock_balances",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="on hand follows"), connection.transaction():
            connection.execute(statement)


@pytest.mark.parametrize(("first", "then"), [("received", "shipped"), (None, "cancelled")])
def test_a_document_takes_no_step_back(connection, first, then):
    step = "UPDATE stock_transfers SET status = %s, received_by = shipped_by, received_at = now()"
    if first is not None:
        connection.execute(step, [first])
    with pytest.raises(psycopg.errors.CheckViolation, match="does not become") as caught:
        connection.execute(step, [then])
    assert caught.value.diag.constraint_name == "ck_stock_transfers_transition"


def test_partitions_are_as_append_only_as_the_ledger(connection):
    connection.execute("SELECT ims_make_partitions('stock_moves', %s, %s)", [dt.date(2024, 5, 1), dt.date(2024, 5, 1)])
    assert ask(connection) == set()
    partitions = connection.execute(
        "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'stock_moves'::regclass"
    )
    for (partition,) in partitions.fetchall():
        for statement in (f"UPDATE {partition} SET quantity = 2", f"DELETE FROM {partition}"):
            with pytest.raises(psycopg.errors.RaiseException, match="never changed"), connection.transaction():
                connection.execute(statement)
    # a row written to a partition by its own name is in the balances all the same
    connection.execute(
        "INSERT INTO stock_moves_y2024m05 (product_id, source_location_id, destination_location_id, quantity, moved_on,"
        " kind) SELECT product_id, source_location_id, destination_location_id, 4, moved_on, kind FROM stock_moves"
        " WHERE kind = 'receipt' AND stock_unit_id IS NULL LIMIT 1"
    )
    assert ask(connection) == set()
