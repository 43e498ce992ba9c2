"""Vendors' invoices: recorded as they come, matched with what was received; what does not agree is flagged.

An invoice agrees when, for each receipt it is for, the units are those accepted and the amount is what they cost, and
when its taxable amount is the sum of these, each within the tolerance of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from api.refusals import Conflict, Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.chain_settings import setting
from api.services.paging import Page, Paging

COLUMNS = (
    "vendor_invoice_id, vendor_id, invoice_number, invoiced_on, due_on, taxable_amount, tax_amount, total_amount,"
    " state, created_by, updated_at"
)
LOCK = "SELECT 1 FROM vendor_invoices WHERE vendor_invoice_id = %(key)s FOR UPDATE"
MATCHES = """
    SELECT m.goods_receipt_id, r.receipt_number, m.matched_amount, m.matched_by, m.matched_at
    FROM vendor_invoice_matches AS m JOIN goods_receipts AS r USING (goods_receipt_id)
    WHERE m.vendor_invoice_id = %(invoice_id)s ORDER BY m.goods_receipt_id"""
# the receipts are locked: two invoices matched at once must not both be for the same goods
RECEIVED = """
    SELECT r.goods_receipt_id, r.receipt_number, o.vendor_id,
        (SELECT coalesce(sum(accepted_qty), 0)::integer FROM goods_receipt_lines AS l
            WHERE l.goods_receipt_id = r.goods_receipt_id) AS quantity,
        (SELECT round(sum(accepted_qty * unit_cost), 2) FROM goods_receipt_lines AS l
            WHERE l.goods_receipt_id = r.goods_receipt_id) AS amount,
        (SELECT coalesce(sum(matched_amount), 0) FROM vendor_invoice_matches AS m
            WHERE m.goods_receipt_id = r.goods_receipt_id AND m.vendor_invoice_id <> %(invoice_id)s) AS matched
    FROM goods_receipts AS r JOIN purchase_orders AS o USING (purchase_order_id)
    WHERE r.goods_receipt_id = ANY(%(ids)s) ORDER BY r.goods_receipt_id FOR UPDATE OF r"""


async def list_invoices(
    action: Action, paging: Paging, *, vendor_id: int | None = None, state: str | None = None
) -> Page:
    """Invoices, the newest first."""
    wanted: dict[str, Any] = {"vendor_id": vendor_id, "state": state}
    chosen = [f"{name} = %({name})s" for name, value in wanted.items() if value is not None]
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM vendor_invoices WHERE {' AND '.join(['vendor_invoice_id < %(after)s', *chosen])}"
        " ORDER BY vendor_invoice_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("vendor_invoice_id",))


async def show_invoice(action: Action, invoice_id: int) -> Row:
    """One invoice with the receipts it was matched with. Raises NotFound."""
    row = await action.row(
        f"SELECT {COLUMNS} FROM vendor_invoices WHERE vendor_invoice_id = %(invoice_id)s", invoice_id=invoice_id
    )
    if row is None:
        raise NotFound("unknown-vendor-invoice", f"There is no vendor invoice {invoice_id}.")
    return {**row, "matches": await action.rows(MATCHES, invoice_id=invoice_id)}


async def record_invoice(action: Action, values: Mapping[str, Any]) -> Row:
    """Record an invoice by the vendor's own number. Raises Conflict when it is known already, Invalid."""
    if values["due_on"] < values["invoiced_on"]:
        rule = "lies before invoiced_on"
        raise Invalid("due-before-invoiced", f"due_on {rule}.", Fault("due_on", rule))
    row = await action.row(
        "INSERT INTO vendor_invoices (vendor_id, invoice_number, invoiced_on, due_on, taxable_amount, tax_amount,"
        " total_amount, created_by) VALUES (%(vendor_id)s, %(invoice_number)s, %(invoiced_on)s, %(due_on)s,"
        " %(taxable_amount)s, %(tax_amount)s, %(taxable_amount)s + %(tax_amount)s, %(user_id)s)"
        f" ON CONFLICT (vendor_id, invoice_number) DO NOTHING RETURNING {COLUMNS}",
        user_id=action.user.user_id,
        **values,
    )
    if row is None:
        raise Conflict("invoice-known", f"Invoice {values['invoice_number']} of this vendor is recorded already.")
    action.note("invoice.recorded", "vendor_invoice", row["vendor_invoice_id"], after=row)
    return {**row, "matches": []}


async def match_invoice(action: Action, invoice_id: int, receipts: Sequence[Mapping[str, Any]]) -> Row:
    """Match an invoice with receipts: matched where all agrees; else disputed, and `flags` says why.

    A disputed one may be matched again, once goods have come or another invoice has been asked for.
    """
    await action.row(LOCK, key=invoice_id)
    before = await show_invoice(action, invoice_id)
    if before["state"] in ("matched", "paid"):
        raise Conflict("not-allowed-now", f"Invoice {before['invoice_number']} is {before['state']} already.")
    ids = [each["goods_receipt_id"] for each in receipts]
    if len(set(ids)) != len(ids):
        raise Invalid("twice-the-same", "A receipt is named twice.", Fault("receipts", "name each receipt once"))
    found = {row["goods_receipt_id"]: row for row in await action.rows(RECEIVED, invoice_id=invoice_id, ids=ids)}
    for number, key in enumerate(ids):
        if key not in found or found[key]["vendor_id"] != before["vendor_id"]:
            rule = "names no receipt of goods of this vendor"
            raise Invalid("unknown-receipt", f"goods_receipt_id {rule}.", Fault(f"receipts.{number}", rule))
    share = await setting(action, "invoice_tolerance_share")
    least = await setting(action, "invoice_tolerance_amount")
    flags: list[str] = []
    for each in receipts:
        flags += _flags(each, found[each["goods_receipt_id"]], share, least)
    total = sum((each["amount"] for each in receipts), Decimal(0))
    if abs(total - before["taxable_amount"]) > max(before["taxable_amount"] * share, least):
        flags.append(f"the invoice asks for {before['taxable_amount']} before tax, its receipts come to {total}")
    if not flags:
        await _keep(action, invoice_id, receipts)
    await action.update(
        "vendor_invoices", "vendor_invoice_id", invoice_id, {"state": "disputed" if flags else "matched"}
    )
    after = await show_invoice(action, invoice_id)
    kind = "invoice.disputed" if flags else "invoice.matched"
    said = {"state": after["state"], "receipts": [dict(each) for each in receipts], "flags": flags}
    action.note(kind, "vendor_invoice", invoice_id, before={"state": before["state"]}, after=said)
    return {**after, "flags": flags}


def _flags(asked: Mapping[str, Any], received: Row, share: Decimal, least: Decimal) -> list[str]:
    name, found = received["receipt_number"], []
    if abs(asked["quantity"] - received["quantity"]) > received["quantity"] * share:
        found.append(f"{name}: {asked['quantity']} units are invoiced, {received['quantity']} were accepted")
    if received["amount"] is None:
        found.append(f"{name}: what its goods cost was not recorded")
    else:
        rest = received["amount"] - received["matched"]
        if abs(asked["amount"] - rest) > max(received["amount"] * share, least):
            found.append(f"{name}: {asked['amount']} is invoiced, {rest} is open for what was accepted")
    return found


async def _keep(action: Action, invoice_id: int, receipts: Sequence[Mapping[str, Any]]) -> None:
    await action.execute(
        "INSERT INTO vendor_invoice_matches (vendor_invoice_id, goods_receipt_id, matched_amount, matched_by)"
        " SELECT %(invoice_id)s, m.id, m.amount, %(user_id)s"
        " FROM unnest(%(ids)s::bigint[], %(amounts)s::numeric[]) AS m (id, amount)",
        invoice_id=invoice_id,
        ids=[each["goods_receipt_id"] for each in receipts],
        amounts=[each["amount"] for each in receipts],
        user_id=action.user.user_id,
    )
