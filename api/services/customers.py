"""Customers: found, read as far as the asker may, recorded, changed, and taken over by the store they now visit.

A customer belongs to the home store, and to every store where they have ordered. Masking is in `privacy_masking`.
"""

from __future__ import annotations

import secrets
from typing import Any

from api.identity.principal import reach_of
from api.refusals import Conflict, Fault, Invalid, NotFound, OutOfReach
from api.schema.customers import PERSONAL
from api.services.action import Action, Row
from api.services.audit import changes as differences
from api.services.paging import Page, Paging
from api.services.privacy_masking import show_customer_as
from api.services.transactions import widen

LOCK = "SELECT 1 FROM customers WHERE customer_id = %(key)s FOR UPDATE"
COLUMNS = (
    "c.customer_id, c.customer_code, c.kind, c.full_name, c.mobile, c.email, c.tax_registration, c.city,"
    " c.home_store_id, c.erased_at, c.pseudonym, c.created_at, c.updated_at"
)
# with or without the code of a country; the search alone would also find the number within a mail address
BY_MOBILE = """
    SELECT c.customer_id, c.home_store_id FROM ims_find_customers(right(%(digits)s, 10), 10) AS f
      JOIN customers AS c USING (customer_id)
     WHERE right(ltrim(c.mobile, '+'), 10) = right(%(digits)s, 10) ORDER BY c.customer_id LIMIT 1
"""
# a few of each store, since a new store has few of the chain's many; each way by an index, in the order wanted
NEWEST = """
    SELECT near.customer_id FROM unnest(%(reached)s::bigint[]) AS s (store_id) CROSS JOIN LATERAL (
        (SELECT c.customer_id FROM customers AS c
        WHERE c.home_store_id = s.store_id AND c.customer_id < %(after)s AND c.erased_at IS NULL
        ORDER BY c.customer_id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT DISTINCT o.customer_id FROM sales_orders AS o JOIN customers AS c USING (customer_id)
        WHERE o.store_id = s.store_id AND o.customer_id < %(after)s AND c.erased_at IS NULL
        ORDER BY o.customer_id DESC LIMIT %(limit)s)) AS near"""
MOST_FOUND = 200
HIDDEN = frozenset(PERSONAL["customers"])
CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without those that are read as others


def is_near(stores: str) -> str:
    """The condition that customer `c` belongs to one of the stores in parameter `stores` (NULL: to any, or none).

    OFFSET 0: it is asked of few customers, for whom the planner would else gather all orders of the stores.
    """
    listed = f"ANY(%({stores})s::bigint[])"
    return (
        f"(%({stores})s::bigint[] IS NULL OR c.home_store_id = {listed} OR EXISTS (SELECT FROM sales_orders AS near"
        f" WHERE near.customer_id = c.customer_id AND near.store_id = {listed} OFFSET 0))"
    )


def reached(action: Action, permission: str | None = None) -> list[int] | None:
    """The stores that the action, or another permission of its user, reaches; None for all."""
    reach = action.reach if permission is None else reach_of(action.user, permission)
    if reach is None:
        return []
    return None if reach.store_ids is None else sorted(reach.store_ids)


async def list_customers(action: Action, paging: Paging, store_id: int | None = None) -> Page:
    """The customers in reach by id, the newest first; erased ones are left out."""
    reach = reached(action)
    if store_id is not None:
        action.check_store(store_id)
        chosen = "c.home_store_id = %(store)s"
    else:
        chosen = "true" if reach is None else f"c.customer_id IN ({NEWEST})"
    rows = await action.rows(
        f"SELECT {COLUMNS}, {is_near('read')} AS is_open FROM customers AS c WHERE c.customer_id < %(after)s"
        f" AND c.erased_at IS NULL AND {chosen} ORDER BY c.customer_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        read=reached(action, "customer:read"),
        reached=reach,
        store=store_id,
        limit=paging.fetch,
    )
    return paging.page([show_customer_as(row) for row in rows], ("customer_id",))


async def find_customers(action: Action, wanted: str, limit: int) -> Page:
    """The customers in reach whose name, number, mail address or code match, the best first."""
    rows = await action.rows(
        f"SELECT {COLUMNS}, true AS is_open FROM ims_find_customers(%(wanted)s, %(most)s) AS f"
        f" JOIN customers AS c USING (customer_id) WHERE c.erased_at IS NULL AND {is_near('reached')}"
        " ORDER BY f.score DESC, c.customer_id DESC LIMIT %(limit)s",
        wanted=wanted,
        most=MOST_FOUND,
        reached=reached(action, "customer:read"),
        limit=limit,
    )
    return Page([show_customer_as(row) for row in rows])


async def show_customer(action: Action, customer_id: int) -> Row:
    """One customer, masked for whoever may not read them. Raises NotFound, OutOfReach."""
    row = await action.row(
        f"SELECT {COLUMNS}, {is_near('read')} AS is_open, {is_near('reached')} AS is_reached"
        " FROM customers AS c WHERE c.customer_id = %(key)s",
        key=customer_id,
        read=reached(action, "customer:read"),
        reached=reached(action),
    )
    if row is None:
        raise await action.missing("customers", customer_id, "customer")
    if not row.pop("is_reached"):
        raise OutOfReach("store-out-of-scope", "Your account does not cover the stores of this customer.")
    return show_customer_as(row)


async def create_customer(action: Action, values: dict[str, Any]) -> Row:
    """A new customer of a home store. Raises Conflict when the mobile number is known already."""
    action.check_store(values["home_store_id"])
    _check_business(values["kind"], values["tax_registration"])
    await _check_mobile(action, values["mobile"])
    row = await action.one(
        "INSERT INTO customers (customer_code, kind, full_name, mobile, email, tax_registration, city, home_store_id)"
        " VALUES (%(code)s, %(kind)s, %(full_name)s, %(mobile)s, %(email)s, %(tax_registration)s, %(city)s,"
        " %(home_store_id)s) RETURNING customer_id",
        code=make_code("C"),
        **values,
    )
    customer_id = row["customer_id"]
    action.note("customer.created", "customer", customer_id, store_id=values["home_store_id"], after=_marked(values))
    return await show_customer(action, customer_id)


async def change_customer(action: Action, customer_id: int, changes: dict[str, Any]) -> Row:
    """Change the members that are given. Raises NotFound, OutOfReach, Conflict (erased, mobile known)."""
    before = await show_customer(action, customer_id)
    check_not_erased(before)
    if "full_name" in changes and changes["full_name"] is None:
        raise Invalid("name-needed", "A customer has a name.", Fault("full_name", "must not be empty"))
    if "home_store_id" in changes:
        action.check_store(changes["home_store_id"])
    merged = {**before, **changes}
    _check_business(merged["kind"], merged["tax_registration"])
    if changes.get("mobile") and changes["mobile"] != before["mobile"]:
        await _check_mobile(action, changes["mobile"], but=customer_id)
    if not changes:
        return before
    await action.update("customers", "customer_id", customer_id, changes)
    was, now = differences(before, merged, personal=HIDDEN)
    action.note("customer.changed", "customer", customer_id, store_id=before["home_store_id"], before=was, after=now)
    return await show_customer(action, customer_id)


async def welcome_customer(action: Action, mobile: str, store_id: int) -> Row:
    """Take over a customer of another store who stands in this one and told their number. Raises NotFound, OutOfReach.

    The store becomes their home; stores that sold to them keep them in sight by their orders.
    """
    action.check_store(store_id)
    wide = await widen(action)
    found = await wide.row(BY_MOBILE, digits=mobile.lstrip("+"))
    if found is None:
        raise NotFound("unknown-customer", "No customer has this mobile number; record a new one.")
    customer_id, before = found["customer_id"], found["home_store_id"]
    if before != store_id:
        await wide.update("customers", "customer_id", customer_id, {"home_store_id": store_id})
        action.note(
            "customer.changed",
            "customer",
            customer_id,
            store_id=store_id,
            before={"home_store_id": before},
            after={"home_store_id": store_id},
            severity="warning",
        )
    return await show_customer(action, customer_id)


async def check_customer(action: Action, customer_id: int) -> Row:
    """The customer's keys, when the action may touch them. Raises NotFound, OutOfReach, Conflict (erased)."""
    row = await action.row(
        f"SELECT c.customer_id, c.home_store_id, c.erased_at, {is_near('reached')} AS is_reached"
        " FROM customers AS c WHERE c.customer_id = %(key)s",
        key=customer_id,
        reached=reached(action),
    )
    if row is None:
        raise await action.missing("customers", customer_id, "customer")
    if not row["is_reached"]:
        raise OutOfReach("store-out-of-scope", "Your account does not cover the stores of this customer.")
    check_not_erased(row)
    return row


async def check_exists(action: Action, customer_id: int) -> None:
    """Raises NotFound or OutOfReach unless the action may touch the customer, erased or not."""
    row = await action.row(
        f"SELECT {is_near('reached')} AS is_reached FROM customers AS c WHERE c.customer_id = %(key)s",
        key=customer_id,
        reached=reached(action),
    )
    if row is None:
        raise await action.missing("customers", customer_id, "customer")
    if not row["is_reached"]:
        raise OutOfReach("store-out-of-scope", "Your account does not cover the stores of this customer.")


def check_not_erased(row: Row) -> None:
    """Raises Conflict for a customer or patient who was erased: nothing is added to them any more."""
    if row.get("erased_at") is not None:
        raise Conflict("erased", "The personal data of this record were erased; record a new one.")


def make_code(prefix: str) -> str:
    """A code that tells nothing of anybody: the prefix and ten random letters and digits (50 bits)."""
    return f"{prefix}-{''.join(secrets.choice(CODE_LETTERS) for _ in range(10))}"


def _check_business(kind: str, tax_registration: str | None) -> None:
    if tax_registration is not None and kind != "b2b":
        rule = "belongs to a business; set kind to b2b"
        raise Invalid("not-a-business", f"A tax registration {rule}.", Fault("tax_registration", rule))


async def _check_mobile(action: Action, mobile: str | None, but: int = 0) -> None:
    """One customer for each number, in the whole chain; two at once wait for each other."""
    if mobile is None:
        return
    digits = mobile.lstrip("+")
    await action.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('ims mobile ' || right(%(digits)s, 10), 0))", digits=digits
    )
    wide = await widen(action)
    found = await wide.row(BY_MOBILE, digits=digits)
    if found is None or found["customer_id"] == but:
        return
    is_known = await action.value(
        f"SELECT {is_near('reached')} FROM customers AS c WHERE c.customer_id = %(key)s",
        key=found["customer_id"],
        reached=reached(action),
    )
    if is_known:
        raise Conflict(
            "mobile-taken", "A customer with this mobile number exists already.", customer_id=found["customer_id"]
        )
    raise Conflict(
        "mobile-taken-elsewhere",
        "A customer of another store has this mobile number; take them over with POST /api/v1/customers/visits.",
    )


def _marked(values: dict[str, Any]) -> dict[str, Any]:
    """Which members were given: enough for the audit trail, and nothing that erasure would have to find."""
    _, given = differences({}, {name: value for name, value in values.items() if value is not None}, personal=HIDDEN)
    return given
