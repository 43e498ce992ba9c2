"""The stock ledger as services use it: post moves, take them back, reserve, release, read levels.

No deadlock, by construction: every transaction takes its locks in one order. First its document (`… FOR UPDATE`),
then reservations by id, then balances by (location, product, cell, unit) in the one pass of `ims_lock_balances`, then
the places of units by unit. Nobody waits for something that stands before what they hold. This is kept as long as a
transaction posts all its moves by one call, with what it uses up as `using`, and locks no product, location or user
with more than FOR NO KEY UPDATE. Whether a store may be touched is asked by the service that calls.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg

from api.refusals import Conflict, Invalid, NotFound
from api.services.action import Action, Row
from api.services.balances import Key, lock_balances, not_available, refuse

# what these take is counted as found missing, even from under a reservation; everything else must leave it whole
STATES_A_FACT = frozenset({"count", "adjustment", "damage", "expiry"})

INSERT_MOVES = """
    INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on, kind,
        lens_cell_id, stock_unit_id, unit_cost, reference_type, reference_id, posted_by)
    SELECT m.product_id, m.source, m.destination, m.quantity, %(moved_on)s, m.kind, m.cell, m.unit, m.unit_cost,
           m.reference_type, m.reference_id, %(user_id)s
    FROM unnest(%(product_id)s::bigint[], %(source)s::bigint[], %(destination)s::bigint[], %(quantity)s::integer[],
                %(kind)s::text[], %(lens_cell_id)s::bigint[], %(stock_unit_id)s::bigint[], %(unit_cost)s::numeric[],
                %(reference_type)s::text[], %(reference_id)s::bigint[]) WITH ORDINALITY
         AS m (product_id, source, destination, quantity, kind, cell, unit, unit_cost, reference_type, reference_id, n)
    ORDER BY m.n
    RETURNING stock_move_id"""
FIELDS = (
    "product_id", "source", "destination", "quantity", "kind", "lens_cell_id", "stock_unit_id", "unit_cost",
    "reference_type", "reference_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Move:
    """Units of one product from one location to another (`location` gives the ids). `reference` is what moved them."""

    product_id: int
    quantity: int
    source: int
    destination: int
    kind: str
    lens_cell_id: int | None = None
    stock_unit_id: int | None = None
    unit_cost: Decimal | None = None
    reference_type: str | None = None
    reference_id: int | None = None

    def key(self, location_id: int) -> Key:
        """The balance that this move changes at a location."""
        return Key(location_id, self.product_id, self.lens_cell_id, self.stock_unit_id)


async def location(action: Action, kind: str, store_id: int | None = None) -> int:
    """The id of a store's shelves, transit, lab, quarantine, or of an outside vendor, customer, loss or opening."""
    found = await action.value(
        "SELECT location_id FROM stock_locations WHERE kind = %(kind)s AND store_id IS NOT DISTINCT FROM %(store_id)s",
        kind=kind,
        store_id=store_id,
    )
    if found is None:
        raise NotFound("unknown-stock-location", f"There is no stock location of kind {kind} for store {store_id}.")
    return int(found)


async def business_day(action: Action) -> dt.date:
    """Today where the chain is: the day on which what happens now is posted."""
    day = await action.value("SELECT (now() AT TIME ZONE timezone)::date FROM chain")
    return day if isinstance(day, dt.date) else dt.datetime.now(dt.UTC).date()


async def post_moves(action: Action, moves: Sequence[Move], moved_on: dt.date, using: Iterable[int] = ()) -> list[int]:
    """Post moves in one statement, using up the reservations in `using` (whole ones, by id); the ids of the moves.

    Raises Conflict `stock-below-zero` where a place inside the chain has too little, `stock-reserved` where what it
    has is kept for somebody else, `unit-elsewhere` where a unit is not where it would leave from, or is somewhere
    already; and `reservation-ended`.
    """
    if not moves:
        return []
    _check(moves)
    reservations = await _lock_reservations(action, using)
    changes: dict[Key, int] = {}
    claims: set[Key] = set()
    for move in moves:
        source, destination = move.key(move.source), move.key(move.destination)
        changes[source] = changes.get(source, 0) - move.quantity
        changes[destination] = changes.get(destination, 0) + move.quantity
        if move.kind not in STATES_A_FACT:
            claims.add(source)
    freed: dict[Key, int] = {}
    for row in reservations:
        key = Key.of(row)
        freed[key] = freed.get(key, 0) + row["quantity"]
    for balance in await lock_balances(action, [*changes, *freed]):
        key = Key.of(balance)
        change = changes.get(key, 0)
        left = balance["on_hand"] + change
        if change < 0 and left < 0:
            raise not_available("stock-below-zero", balance, -change)
        if change < 0 and key in claims and left < balance["reserved"] - freed.get(key, 0):
            raise not_available("stock-reserved", balance, -change)
    if reservations:
        await _end(action, reservations, "used")
    values = {name: [getattr(move, name) for move in moves] for name in FIELDS}
    try:
        posted = await action.rows(INSERT_MOVES, moved_on=moved_on, user_id=action.user.user_id, **values)
    except psycopg.errors.IntegrityError as error:
        raise refuse(error) from error
    return [row["stock_move_id"] for row in posted]


async def reverse_moves(
    action: Action, move_ids: Sequence[int], reason: str, moved_on: dt.date | None = None
) -> list[int]:
    """Take posted moves back by their mirror images, posted today; the ids of the reversals.

    Raises NotFound, Conflict `move-reversed-already` or `move-is-reversal`, and what `post_moves` raises.
    """
    ids = sorted(set(move_ids))
    found = await action.rows(
        "SELECT stock_move_id, moved_on, product_id, quantity, source_location_id, destination_location_id, kind,"
        " lens_cell_id, stock_unit_id, unit_cost, reference_type, reference_id"
        " FROM stock_moves WHERE stock_move_id = ANY(%(ids)s) ORDER BY stock_move_id",
        ids=ids,
    )
    missing = set(ids) - {row["stock_move_id"] for row in found}
    if missing:
        raise NotFound("unknown-stock-move", f"There is no stock move {min(missing)}.")
    if any(row["kind"] == "reversal" for row in found):
        raise Conflict("move-is-reversal", "A reversal is not reversed in turn; move the goods anew.")
    moves = [
        Move(
            row["product_id"], row["quantity"], row["destination_location_id"], row["source_location_id"], "reversal",
            row["lens_cell_id"], row["stock_unit_id"], row["unit_cost"], row["reference_type"], row["reference_id"],
        )
        for row in found
    ]  # fmt: skip
    # whoever takes back the same moves waits here, and then sees that it is done
    await lock_balances(action, [move.key(end) for move in moves for end in (move.source, move.destination)])
    done = await action.value(
        "SELECT min(reversed_move_id) FROM stock_move_reversals WHERE reversed_move_id = ANY(%(ids)s)", ids=ids
    )
    if done is not None:
        raise Conflict("move-reversed-already", f"Stock move {done} is reversed already.", stock_move_id=done)
    day = moved_on or await business_day(action)
    reversals = await post_moves(action, moves, day)
    await action.execute(
        "INSERT INTO stock_move_reversals"
        " (reversed_move_id, reversed_on, reversal_move_id, reversal_on, reason, reversed_by)"
        " SELECT *, %(day)s, %(reason)s, %(user_id)s"
        " FROM (SELECT r.reversed, r.reversed_on, r.reversal FROM unnest(%(ids)s::bigint[], %(days)s::date[],"
        " %(reversals)s::bigint[]) AS r (reversed, reversed_on, reversal)) AS pairs",
        ids=ids,
        days=[row["moved_on"] for row in found],
        reversals=reversals,
        day=day,
        reason=reason,
        user_id=action.user.user_id,
    )
    return reversals


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units to keep at a location for a line (`reference_type` is its table in the singular, like sales_order_line)."""

    location_id: int
    product_id: int
    quantity: int
    reference_type: str
    reference_id: int
    lens_cell_id: int | None = None
    stock_unit_id: int | None = None


async def reserve(action: Action, wanted: Sequence[Reservation]) -> list[int]:
    """Keep units for lines; the ids of the reservations. All lines of a document in one call.

    Raises Conflict `stock-not-available` where on hand less what others reserved does not cover it.
    """
    if not wanted:
        return []
    asked: dict[Key, int] = {}
    for each in wanted:
        key = Key(each.location_id, each.product_id, each.lens_cell_id, each.stock_unit_id)
        asked[key] = asked.get(key, 0) + each.quantity
    balances = {Key.of(row): row for row in await lock_balances(action, asked)}
    for key, quantity in asked.items():
        if key not in balances:
            raise Invalid("not-inside", "Only what lies inside the chain can be reserved, not at a vendor or customer.")
        if balances[key]["on_hand"] - balances[key]["reserved"] < quantity:
            raise not_available("stock-not-available", balances[key], quantity)
    rows = await action.rows(
        """INSERT INTO stock_reservations
            (location_id, product_id, quantity, reference_type, reference_id, lens_cell_id, stock_unit_id, created_by)
        SELECT r.location, r.product, r.quantity, r.type, r.id, r.cell, r.unit, %(user_id)s
        FROM unnest(%(location_id)s::bigint[], %(product_id)s::bigint[], %(quantity)s::integer[],
                    %(reference_type)s::text[], %(reference_id)s::bigint[], %(lens_cell_id)s::bigint[],
                    %(stock_unit_id)s::bigint[]) WITH ORDINALITY
             AS r (location, product, quantity, type, id, cell, unit, n)
        ORDER BY r.n
        RETURNING stock_reservation_id""",
        user_id=action.user.user_id,
        **{name: [getattr(each, name) for each in wanted] for name in Reservation.__slots__},
    )
    return [row["stock_reservation_id"] for row in rows]


async def reservations_of(action: Action, reference_type: str, reference_ids: Sequence[int]) -> list[Row]:
    """The active reservations of lines, to be used (`post_moves`) or released."""
    return await action.rows(
        "SELECT stock_reservation_id, location_id, product_id, lens_cell_id, stock_unit_id, quantity, reference_id"
        " FROM stock_reservations WHERE reference_type = %(type)s AND reference_id = ANY(%(ids)s)"
        " AND state = 'active' ORDER BY stock_reservation_id",
        type=reference_type,
        ids=list(reference_ids),
    )


async def release(action: Action, reservation_ids: Iterable[int]) -> None:
    """Give back what reservations hold. Raises Conflict `reservation-ended` when one is not active."""
    await _close(action, reservation_ids, "released")


async def use_reservation(action: Action, reservation_ids: Iterable[int]) -> None:
    """End reservations as used where nothing moves by it; with moves, name them in `post_moves(using=…)` instead."""
    await _close(action, reservation_ids, "used")


async def levels(
    action: Action, store_id: int, product_ids: Sequence[int] | None = None, after: int = 0, limit: int = 200
) -> list[Row]:
    """What lies on a store's shelves, by product id above `after`: on hand, reserved, available per cell or unit."""
    return await action.rows(
        """SELECT b.product_id, p.sku, p.name, b.lens_cell_id, b.stock_unit_id, b.on_hand, b.reserved,
               b.on_hand - b.reserved AS available
        FROM stock_balances AS b JOIN stock_locations AS l USING (location_id) JOIN products AS p USING (product_id)
        WHERE l.store_id = %(store_id)s AND l.kind = 'store' AND b.product_id > %(after)s
          AND (%(product_ids)s::bigint[] IS NULL OR b.product_id = ANY(%(product_ids)s))
          AND (b.stock_unit_id IS NULL OR b.on_hand > 0)
        ORDER BY b.product_id, b.lens_cell_id NULLS FIRST, b.stock_unit_id NULLS FIRST LIMIT %(limit)s""",
        store_id=store_id,
        after=after,
        product_ids=None if product_ids is None else list(product_ids),
        limit=limit,
    )


def _check(moves: Sequence[Move]) -> None:
    if any(move.quantity <= 0 for move in moves):
        raise Invalid("invalid-quantity", "A move is of one unit or more; what goes the other way swaps its ends.")
    if any(move.source == move.destination for move in moves):
        raise Invalid("moves-nowhere", "A move goes from one location to another.")


async def _close(action: Action, reservation_ids: Iterable[int], state: str) -> None:
    reservations = await _lock_reservations(action, reservation_ids)
    await lock_balances(action, [Key.of(row) for row in reservations])
    await _end(action, reservations, state)


async def _lock_reservations(action: Action, reservation_ids: Iterable[int]) -> list[Row]:
    ids = sorted(set(reservation_ids))
    if not ids:
        return []
    rows = await action.rows(
        "SELECT stock_reservation_id, location_id, product_id, lens_cell_id, stock_unit_id, quantity, state"
        " FROM stock_reservations WHERE stock_reservation_id = ANY(%(ids)s) ORDER BY stock_reservation_id FOR UPDATE",
        ids=ids,
    )
    ended = set(ids) - {row["stock_reservation_id"] for row in rows if row["state"] == "active"}
    if ended:
        raise Conflict("reservation-ended", f"Stock reservation {min(ended)} is used or released already.")
    return rows


async def _end(action: Action, reservations: Sequence[Row], state: str) -> None:
    await action.execute(
        "UPDATE stock_reservations SET state = %(state)s WHERE stock_reservation_id = ANY(%(ids)s)",
        state=state,
        ids=[row["stock_reservation_id"] for row in reservations],
    )
