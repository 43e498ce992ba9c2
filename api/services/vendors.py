"""Vendors, what they ask of an order (vendor terms), and what they supply at which terms (supply terms)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from api.refusals import Conflict, Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.paging import Page, Paging

COLUMNS = (
    "vendor_id, vendor_code, name, kind, tax_registration, credit_days, quoted_lead_time_days, email, is_active,"
    " updated_at"
)
TERM = "vendor_term_id, vendor_id, minimum_order_amount, order_weekdays, valid_from_on, valid_to_on, updated_at"
SUPPLY = (
    "t.supply_term_id, t.vendor_id, t.product_id, p.sku, t.store_id, t.lead_time_days, t.lead_time_sd_days,"
    " t.review_period_days, t.moq, t.pack_size, t.unit_cost, t.updated_at"
)
LOCK = "SELECT 1 FROM vendors WHERE vendor_id = %(key)s FOR UPDATE"
LOCK_SUPPLY = "SELECT 1 FROM supply_terms WHERE supply_term_id = %(key)s FOR UPDATE"


async def list_vendors(action: Action, paging: Paging, *, q: str | None = None, is_active: bool | None = None) -> Page:
    """Vendors, the newest first; `q` is a part of the code or name."""
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM vendors WHERE vendor_id < %(after)s"
        " AND (%(q)s::text IS NULL OR strpos(lower(vendor_code || ' ' || name), lower(%(q)s)) > 0)"
        " AND (%(is_active)s::boolean IS NULL OR is_active = %(is_active)s)"
        " ORDER BY vendor_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        q=q,
        is_active=is_active,
        limit=paging.fetch,
    )
    return paging.page(rows, ("vendor_id",))


async def show_vendor(action: Action, vendor_id: int) -> Row:
    """One vendor with its terms. Raises NotFound."""
    row = await action.row(f"SELECT {COLUMNS} FROM vendors WHERE vendor_id = %(vendor_id)s", vendor_id=vendor_id)
    if row is None:
        raise NotFound("unknown-vendor", f"There is no vendor {vendor_id}.")
    terms = await action.rows(
        f"SELECT {TERM} FROM vendor_terms WHERE vendor_id = %(vendor_id)s ORDER BY valid_from_on", vendor_id=vendor_id
    )
    return {**row, "terms": terms}


async def create_vendor(action: Action, values: Mapping[str, Any]) -> Row:
    """A new vendor; its code is the chain's for good. Raises Conflict when the code is taken."""
    row = await action.row(
        "INSERT INTO vendors (vendor_code, name, kind, tax_registration, credit_days, quoted_lead_time_days, email)"
        " VALUES (%(vendor_code)s, %(name)s, %(kind)s, %(tax_registration)s, %(credit_days)s,"
        " %(quoted_lead_time_days)s, %(email)s)"
        f" ON CONFLICT (vendor_code) DO NOTHING RETURNING {COLUMNS}",
        **values,
    )
    if row is None:
        raise Conflict("vendor-code-taken", f"There is a vendor {values['vendor_code']} already; choose another code.")
    action.note("vendor.created", "vendor", row["vendor_id"], after=row)
    return {**row, "terms": []}


async def change_vendor(action: Action, vendor_id: int, changes: Mapping[str, Any]) -> Row:
    """Change the members that are given. Raises NotFound."""
    before = await show_vendor(action, vendor_id)
    if changes:
        await action.update("vendors", "vendor_id", vendor_id, changes)
    return await _changed(action, vendor_id, before, changes)


async def add_term(action: Action, vendor_id: int, values: Mapping[str, Any]) -> Row:
    """What the vendor asks of an order from a day on; the present term, if it has no end, ends the day before.

    Raises NotFound, Conflict `overlaps`.
    """
    before = await show_vendor(action, vendor_id)
    _check_days(values["valid_from_on"], values["valid_to_on"])
    await action.execute(
        "UPDATE vendor_terms SET valid_to_on = %(valid_from_on)s::date - 1 WHERE vendor_id = %(vendor_id)s"
        " AND valid_to_on IS NULL AND valid_from_on < %(valid_from_on)s",
        vendor_id=vendor_id,
        valid_from_on=values["valid_from_on"],
    )
    await action.execute(
        "INSERT INTO vendor_terms (vendor_id, minimum_order_amount, order_weekdays, valid_from_on, valid_to_on)"
        " VALUES (%(vendor_id)s, %(minimum_order_amount)s, %(order_weekdays)s, %(valid_from_on)s, %(valid_to_on)s)",
        vendor_id=vendor_id,
        **values,
    )
    return await _changed(action, vendor_id, before, values)


async def list_supply(
    action: Action, paging: Paging, vendor_id: int | None = None, product_id: int | None = None
) -> Page:
    """Who supplies what at which terms, the newest first; a store's own terms only where it is in reach."""
    wanted: dict[str, Any] = {"vendor_id": vendor_id, "product_id": product_id}
    chosen = [f"t.{name} = %({name})s" for name, value in wanted.items() if value is not None]
    rows = await action.rows(
        f"SELECT {SUPPLY} FROM supply_terms AS t JOIN products AS p USING (product_id)"
        f" WHERE {' AND '.join(['t.supply_term_id < %(after)s', *chosen])}"
        " ORDER BY t.supply_term_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("supply_term_id",))


async def show_supply(action: Action, supply_term_id: int) -> Row:
    """One term of supply. Raises NotFound."""
    row = await action.row(
        f"SELECT {SUPPLY} FROM supply_terms AS t JOIN products AS p USING (product_id)"
        " WHERE t.supply_term_id = %(supply_term_id)s",
        supply_term_id=supply_term_id,
    )
    if row is None:
        raise NotFound("unknown-supply-term", f"There is no supply term {supply_term_id}.")
    return row


async def add_supply(action: Action, values: Mapping[str, Any]) -> Row:
    """A product that a vendor supplies, for one store or every store. Raises Conflict when it is there already."""
    try:
        supply_term_id = await action.value(
            "INSERT INTO supply_terms (vendor_id, product_id, store_id, lead_time_days, lead_time_sd_days,"
            " review_period_days, moq, pack_size, unit_cost) VALUES (%(vendor_id)s, %(product_id)s, %(store_id)s,"
            " %(lead_time_days)s, %(lead_time_sd_days)s, %(review_period_days)s, %(moq)s, %(pack_size)s,"
            " %(unit_cost)s) RETURNING supply_term_id",
            **values,
        )
    except psycopg.errors.UniqueViolation:
        raise Conflict("supply-term-exists", "This vendor supplies that product there already; change that.") from None
    row = await show_supply(action, supply_term_id)
    action.note("vendor.changed", "supply_term", supply_term_id, store_id=row["store_id"], after=row)
    return row


async def change_supply(action: Action, supply_term_id: int, changes: Mapping[str, Any]) -> Row:
    """Change lead time, lots or cost. Raises NotFound."""
    before = await show_supply(action, supply_term_id)
    if not changes:
        return before
    await action.update("supply_terms", "supply_term_id", supply_term_id, changes)
    after = await show_supply(action, supply_term_id)
    action.note("vendor.changed", "supply_term", supply_term_id, store_id=after["store_id"], before=before, after=after)
    return after


async def _changed(action: Action, vendor_id: int, before: Row, changes: Mapping[str, Any]) -> Row:
    after = await show_vendor(action, vendor_id)
    if changes:
        action.note("vendor.changed", "vendor", vendor_id, before=before, after=after)
    return after


def _check_days(first: Any, last: Any) -> None:
    if last is not None and last < first:
        rule = "lies before valid_from_on"
        raise Invalid("ends-before-start", f"valid_to_on {rule}.", Fault("valid_to_on", rule))
