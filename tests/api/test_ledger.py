"""The stock ledger: double entry, never below zero, reversed once, reserved for one; and nobody types on hand.

The property test plays any history against a second, plain computation of every level.
"""

from __future__ import annotations

import asyncio
import datetime as dt

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.identity.principal import Origin, Reach, SignedIn
from api.refusals import Conflict, Invalid, NotFound, Refusal
from api.services import ledger
from api.services.action import Action
from api.services.invariants import check_invariants
from api.services.ledger import Move, Reservation

TODAY = dt.date(2024, 5, 15)


class Stockroom:
    """Two stores with shelves, transit, lab and quarantine; plain products, a lens with cells, a frame with units."""

    def __init__(self, url: str) -> None:
        self.url = url
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO stores (store_code, name) VALUES ('S', 's'), ('T', 't')")
            connection.execute(
                "INSERT INTO products (sku, name, category) SELECT s, s, 'c' FROM unnest('{A,B,L,F}'::text[]) AS s"
            )
            connection.execute("INSERT INTO users (username, password_hash) VALUES ('u', 'x')")
            connection.execute(
                "INSERT INTO lens_cells (product_id, sph, cyl) SELECT product_id, sph, -0.5 FROM products,"
                " unnest('{-1,-1.25}'::numeric[]) AS sph WHERE sku = 'L'"
            )
            connection.execute(
                "INSERT INTO stock_units (product_id, serial) SELECT product_id, serial FROM products,"
                " unnest('{u1,u2,u3}'::text[]) AS serial WHERE sku = 'F'"
            )
            self.products = dict(connection.execute("SELECT sku, product_id FROM products").fetchall())
            self.cells = [row[0] for row in connection.execute("SELECT lens_cell_id FROM lens_cells ORDER BY 1")]
            self.units = [row[0] for row in connection.execute("SELECT stock_unit_id FROM stock_units ORDER BY 1")]
            self.places = {
                (kind if code is None else f"{code}.{kind}"): key
                for kind, code, key in connection.execute(
                    "SELECT l.kind, store_code, location_id FROM stock_locations AS l LEFT JOIN stores USING (store_id)"
                )
            }
            (self.user_id,) = connection.execute("SELECT user_id FROM users").fetchone()
        self.user = SignedIn(self.user_id, "u", frozenset({"admin"}), 1, dt.datetime.max)

    def act(self, work, stores="*"):
        """Run `work(action)` in a transaction of its own, as the application's role, within reach of `stores`."""

        async def run():
            async with await psycopg.AsyncConnection.connect(self.url) as connection:
                await connection.execute("SET ROLE ims_app")
                await connection.execute("SELECT set_config('ims.store_ids', %s, true)", [stores])
                action = Action(connection, self.user, Origin("t"), "stock:read", Reach(None))
                return await work(action)

        return asyncio.run(run())

    def move(self, sku, quantity, source, destination, kind="adjustment", **more):
        """A move between places by name: `S.store`, `T.transit`, `vendor`."""
        return Move(self.products[sku], quantity, self.places[source], self.places[destination], kind, **more)

    def post(self, *moves, using=()):
        return self.act(lambda action: ledger.post_moves(action, moves, TODAY, using))

    def receive(self, sku="A", quantity=10, store="S", **more):
        return self.post(self.move(sku, quantity, "vendor", f"{store}.store", "receipt", **more))

    def sell(self, sku="A", quantity=1, store="S", using=(), **more):
        return self.post(self.move(sku, quantity, f"{store}.store", "customer", "sale", **more), using=using)

    def reserve(self, sku="A", quantity=1, store="S", line=1):
        wanted = Reservation(self.places[f"{store}.store"], self.products[sku], quantity, "sales_order_line", line)
        return self.act(lambda action: ledger.reserve(action, [wanted]))

    def rows(self, query, *values):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, values).fetchall()

    def level(self, sku="A", place="S.store"):
        """(on hand, reserved) of a product at a place, over its cells and units."""
        return self.rows(
            "SELECT coalesce(sum(on_hand), 0)::int, coalesce(sum(reserved), 0)::int FROM stock_balances"
            " WHERE product_id = %s AND location_id = %s",
            self.products[sku],
            self.places[place],
        )[0]

    def check(self):
        with psycopg.connect(self.url) as connection:
            assert not {name: count for name, count in check_invariants(connection).items() if count}


@pytest.fixture
def room(empty_url):
    found = Stockroom(empty_url)
    yield found
    found.check()


def refused(code, call, *arguments, **more):
    with pytest.raises(Refusal) as caught:
        call(*arguments, **more)
    assert caught.value.code == code
    return caught.value


def test_a_move_takes_here_and_gives_there(room):
    (move_id,) = room.receive(quantity=10)
    room.sell(quantity=3)
    assert room.level() == (7, 0)
    assert room.rows(
        "SELECT kind, quantity, posted_by, moved_on FROM stock_moves WHERE stock_move_id = %s", move_id
    ) == [("receipt", 10, room.user_id, TODAY)]


def test_no_place_goes_below_zero_and_the_refusal_names_it(room):
    room.receive(quantity=2)
    refusal = refused("stock-below-zero", room.sell, quantity=3)
    assert "2 of A on the shelves of S, not 3" in refusal.detail
    assert (refusal.members["store_code"], refusal.members["sku"]) == ("S", "A")
    assert room.level() == (2, 0)


def test_moves_of_one_document_stand_or_fall_together(room):
    room.receive(quantity=5)
    both = [room.move(sku, 1, "S.store", "customer", "sale") for sku in "AB"]
    refused("stock-below-zero", room.post, *both)
    assert room.level() == (5, 0)
    assert room.rows("SELECT count(*) FROM stock_moves") == [(1,)]


def test_only_the_net_of_one_document_counts(room):
    room.receive(quantity=1)
    room.post(
        room.move("A", 3, "S.store", "S.lab", "transfer"),
        room.move("A", 2, "vendor", "S.store", "receipt"),
    )
    assert (room.level(), room.level(place="S.lab")) == ((0, 0), (3, 0))


@pytest.mark.parametrize(("quantity", "destination"), [(0, "customer"), (-1, "customer"), (1, "S.store")])
def test_a_move_that_is_none_is_refused(room, quantity, destination):
    with pytest.raises(Invalid):
        room.post(room.move("A", quantity, "S.store", destination))


def test_a_move_is_reversed_once(room):
    (receipt,) = room.receive(quantity=4)
    reversals = room.act(lambda action: ledger.reverse_moves(action, [receipt], "wrong box", TODAY))
    assert room.level() == (0, 0)
    again = refused("move-reversed-already", room.act, lambda action: ledger.reverse_moves(action, [receipt], "again"))
    assert str(receipt) in again.detail
    refused("move-is-reversal", room.act, lambda action: ledger.reverse_moves(action, reversals, "back"))
    with pytest.raises(NotFound):
        room.act(lambda action: ledger.reverse_moves(action, [10**9], "nothing"))


def test_what_was_sold_on_cannot_be_taken_back(room):
    (receipt,) = room.receive(quantity=4)
    room.sell(quantity=1)
    refused("stock-below-zero", room.act, lambda action: ledger.reverse_moves(action, [receipt], "wrong box"))
    assert room.level() == (3, 0)


def test_what_is_reserved_is_for_its_line(room):
    room.receive(quantity=5)
    (kept,) = room.reserve(quantity=4)
    assert room.level() == (5, 4)
    assert "1 of A are free" in refused("stock-not-available", room.reserve, quantity=2).detail
    refused("stock-reserved", room.sell, quantity=2)
    room.sell(quantity=1)
    room.sell(quantity=4, using=[kept])
    assert room.level() == (0, 0)
    refused("reservation-ended", room.sell, quantity=1, using=[kept])


def test_a_released_reservation_frees_what_it_held(room):
    room.receive(quantity=2)
    kept = room.reserve(quantity=2)
    assert [row["quantity"] for row in room.act(lambda a: ledger.reservations_of(a, "sales_order_line", [1]))] == [2]
    room.act(lambda action: ledger.release(action, kept))
    assert room.level() == (2, 0)
    refused("reservation-ended", room.act, lambda action: ledger.use_reservation(action, kept))


def test_a_count_may_find_less_than_is_reserved(room):
    room.receive(quantity=5)
    kept = room.reserve(quantity=4)
    room.post(room.move("A", 3, "S.store", "loss", "count"))
    assert room.level() == (2, 4)
    refused("stock-not-available", room.reserve, quantity=1)
    room.act(lambda action: ledger.release(action, kept))


def test_nothing_is_reserved_outside(room):
    wanted = Reservation(room.places["vendor"], room.products["A"], 1, "sales_order_line", 1)
    refused("not-inside", room.act, lambda action: ledger.reserve(action, [wanted]))


def test_cells_of_a_lens_are_apart(room):
    room.receive("L", 2, lens_cell_id=room.cells[0])
    refused("stock-below-zero", room.sell, "L", lens_cell_id=room.cells[1])
    room.sell("L", lens_cell_id=room.cells[0])
    assert room.level("L") == (1, 0)
    refused("not-of-this-product", room.receive, "A", lens_cell_id=room.cells[0])


def test_a_unit_is_in_one_place(room):
    unit = {"stock_unit_id": room.units[0]}
    room.receive("F", 1, **unit)
    refused("unit-elsewhere", room.receive, "F", 1, store="T", **unit)
    refused("unit-elsewhere", room.sell, "F", 1, store="T", **unit)
    for source, destination in (("S.store", "T.transit"), ("T.transit", "T.store"), ("T.store", "S.store")):
        room.post(room.move("F", 1, source, destination, "transfer", **unit))
    assert (room.level("F"), room.level("F", "T.store")) == ((1, 0), (0, 0))
    room.sell("F", 1, **unit)
    room.receive("F", 1, store="T", **unit)  # taken back
    assert room.level("F", "T.store") == (1, 0)


def test_levels_of_a_store(room):
    room.receive("A", 5)
    room.receive("L", 2, lens_cell_id=room.cells[0])
    room.reserve("A", 2)
    (store_id,) = room.rows("SELECT store_id FROM stores WHERE store_code = 'S'")[0]
    rows = room.act(lambda action: ledger.levels(action, store_id))
    assert [(row["sku"], row["lens_cell_id"], row["on_hand"], row["available"]) for row in rows] == [
        ("A", None, 5, 3),
        ("L", room.cells[0], 2, 2),
    ]
    only = room.act(lambda action: ledger.levels(action, store_id, [room.products["L"]]))
    assert [row["sku"] for row in only] == ["L"]
    with pytest.raises(NotFound):
        room.act(lambda action: ledger.location(action, "store", 10**9))


def test_a_store_ships_to_another_that_it_does_not_see(room):
    room.receive("A", 5)
    (store_id,) = room.rows("SELECT store_id FROM stores WHERE store_code = 'S'")[0]
    ship = [room.move("A", 2, "S.store", "T.transit", "transfer")]
    room.act(lambda action: ledger.post_moves(action, ship, TODAY), stores=f"{{{store_id}}}")
    assert (room.level(), room.level(place="T.transit")) == ((3, 0), (2, 0))
    arrive = [room.move("A", 2, "T.transit", "T.store", "transfer")]
    room.act(lambda action: ledger.post_moves(action, arrive, TODAY))


def test_the_application_posts_moves_and_types_nothing(room):
    room.receive("A", 5)
    for statement in (
        "UPDATE stock_balances SET on_hand = 9",
        "SELECT ims_change_balances('{1}', '{1}', '{null}', '{null}', '{9}', '{0}', '{false}')",
        "UPDATE stock_moves SET quantity = 9",
        "DELETE FROM stock_move_reversals",
    ):
        with psycopg.connect(room.url) as connection:
            connection.execute("SET ROLE ims_app; SET ims.ledger = 'open'")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["receive", "sell", "ship", "arrive", "count", "reserve", "release", "use", "reverse"]),
        st.sampled_from("ABLF"),
        st.integers(0, 2),  # which cell, unit, reservation or move
        st.sampled_from("ST"),
        st.integers(1, 6),
    ),
    min_size=15,
    max_size=40,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_history_keeps_the_ledger_true(shared_url, empty, steps):
    """Whatever is tried, what is refused and what is there are as a plain computation says, and all invariants hold."""
    empty(shared_url)
    plain = Plain(Stockroom(shared_url))
    for step in steps:
        plain.play(*step)
    plain.compare()


class Plain:
    """Every level kept by hand, beside the ledger."""

    def __init__(self, room: Stockroom) -> None:
        self.room, self.on_hand, self.reserved = room, {}, {}
        self.posted: list[tuple[int, Move]] = []
        self.kept: list[tuple[int, tuple, int]] = []

    def play(self, what, sku, which, store, quantity):
        room, more = self.room, {}
        if sku == "L":
            more = {"lens_cell_id": room.cells[which % 2]}
        if sku == "F":
            more, quantity = {"stock_unit_id": room.units[which]}, 1
        shelf, other = f"{store}.store", "T" if store == "S" else "S"
        ends = {
            "receive": ("vendor", shelf, "receipt"), "sell": (shelf, "customer", "sale"),
            "ship": (shelf, f"{other}.transit", "transfer_ship"), "count": (shelf, "loss", "count"),
            "arrive": (f"{store}.transit", shelf, "transfer_receive"),
        }  # fmt: skip
        if what in ends:
            source, destination, kind = ends[what]
            self.post(room.move(sku, quantity, source, destination, kind, **more))
        elif what == "reserve" and sku in "AB":
            key = (room.places[shelf], room.products[sku], None, None)
            free = self.on_hand.get(key, 0) - self.reserved.get(key, 0) >= quantity
            ids = self.attempt(free, lambda: room.reserve(sku, quantity, store))
            if free:
                self.kept.append((ids[0], key, quantity))
                self.reserved[key] = self.reserved.get(key, 0) + quantity
        elif what in ("release", "use") and self.kept:
            self.end(what, *self.kept[which % len(self.kept)])
        elif what == "reverse" and self.posted:
            self.reverse(*self.posted[which % len(self.posted)])

    def end(self, what, reservation, key, quantity):
        room = self.room
        if what == "release":
            room.act(lambda action: ledger.release(action, [reservation]))
        else:
            move = Move(key[1], quantity, key[0], room.places["customer"], "sale")
            if not self.post(move, reservation, quantity):
                return
        self.kept.remove((reservation, key, quantity))
        self.reserved[key] -= quantity

    def reverse(self, move_id, move):
        if move.kind == "transfer_ship" or move.kind == "reversal":
            return  # transfers are closed by their own steps
        back = Move(move.product_id, move.quantity, move.destination, move.source, "reversal", move.lens_cell_id,
                    move.stock_unit_id)  # fmt: skip
        allowed = self.allows(back)
        self.attempt(allowed, lambda: self.room.act(lambda a: ledger.reverse_moves(a, [move_id], "r", TODAY)))
        if allowed:
            self.apply(back)
            self.posted.remove((move_id, move))

    def post(self, move, using=None, freed=0):
        allowed = self.allows(move, freed)
        ids = self.attempt(allowed, lambda: self.room.post(move, using=() if using is None else [using]))
        if allowed:
            self.apply(move)
            self.posted.append((ids[0], move))
        return allowed

    def allows(self, move, freed=0):
        inside = {place for name, place in self.room.places.items() if "." in name}
        source, destination = move.key(move.source), move.key(move.destination)
        if move.source in inside:
            left = self.on_hand.get(source, 0) - move.quantity
            claims = move.kind not in ("count", "adjustment", "damage", "expiry")
            if left < 0 or (claims and left < self.reserved.get(source, 0) - freed):
                return False
        if move.stock_unit_id is not None and move.destination in inside and move.source not in inside:
            return not any(key[3] == move.stock_unit_id and n for key, n in self.on_hand.items())
        return destination != source

    def apply(self, move):
        inside = {place for name, place in self.room.places.items() if "." in name}
        for place, sign in ((move.source, -1), (move.destination, 1)):
            if place in inside:
                key = tuple(move.key(place))
                self.on_hand[key] = self.on_hand.get(key, 0) + sign * move.quantity

    @staticmethod
    def attempt(allowed, call):
        if allowed:
            return call()
        with pytest.raises(Conflict):
            call()
        return None

    def compare(self):
        found = self.room.rows(
            "SELECT location_id, product_id, lens_cell_id, stock_unit_id, on_hand, reserved FROM stock_balances"
        )
        assert {tuple(row[:4]): row[4] for row in found if row[4]} == {k: n for k, n in self.on_hand.items() if n}
        assert {tuple(row[:4]): row[5] for row in found if row[5]} == {k: n for k, n in self.reserved.items() if n}
        with psycopg.connect(self.room.url) as connection:
            # the shipments of this history name no transfer
            broken = check_invariants(connection) | {"transit_is_of_transfers": 0}
        assert not any(broken.values())
