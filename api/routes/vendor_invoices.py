"""`/vendor-invoices`: what vendors ask to be paid, and whether it agrees with what came."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Amount, Day, In, Key, Out, PathKey, Quantity, Text
from api.services import purchasing_invoices
from api.services.paging import Paging

State = Literal["received", "matched", "disputed", "paid"]
Matched = Annotated[Decimal, Field(gt=0, le=Decimal("999999999.99"), decimal_places=2)]


class InvoiceIn(In):
    """An invoice; its total is the taxable amount and the tax."""

    vendor_id: Key
    invoice_number: Text
    invoiced_on: Day
    due_on: Day
    taxable_amount: Amount
    tax_amount: Amount


class ReceiptShare(In):
    """What the invoice asks for of one receipt: units, and their amount without tax."""

    goods_receipt_id: Key
    quantity: Quantity
    amount: Matched


class MatchIn(In):
    """The receipts the invoice is for."""

    receipts: Annotated[list[ReceiptShare], Field(min_length=1, max_length=200)]


class MatchOut(Out):
    """A receipt the invoice was matched with."""

    goods_receipt_id: int
    receipt_number: str
    matched_amount: Decimal
    matched_by: int | None = None
    matched_at: dt.datetime


class InvoiceItem(Out):
    """An invoice in a list."""

    vendor_invoice_id: int
    vendor_id: int
    invoice_number: str
    invoiced_on: dt.date
    due_on: dt.date
    taxable_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    state: State
    created_by: int | None = None
    updated_at: dt.datetime


class InvoiceOut(InvoiceItem):
    """An invoice; `flags` says what does not agree, in the answer to matching it."""

    matches: list[MatchOut]
    flags: list[str] | None = None


class InvoicePage(Out):
    """Invoices, the newest first."""

    items: list[InvoiceItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of vendors' invoices."""
    router = APIRouter(prefix="/vendor-invoices", tags=["vendor invoices"])

    @router.get("", summary="Vendors' invoices", response_model=InvoicePage)
    async def browse(
        caller: Annotated[Caller, Depends(may("purchase:match"))],
        page: Annotated[Paging, Depends(paging)],
        vendor_id: Annotated[Key | None, Query()] = None,
        state: State | None = None,
    ) -> Response:
        return await caller.read(purchasing_invoices.list_invoices, page, vendor_id=vendor_id, state=state)

    @router.post("", summary="Record an invoice", status_code=201, response_model=InvoiceOut)
    async def record(caller: Annotated[Caller, Depends(creating("purchase:match"))], body: InvoiceIn) -> Response:
        return await caller.create(purchasing_invoices.record_invoice, body.model_dump())

    @router.get("/{invoice_id}", summary="One invoice with what it was matched with", response_model=InvoiceOut)
    async def show(caller: Annotated[Caller, Depends(may("purchase:match"))], invoice_id: PathKey) -> Response:
        return await caller.read(purchasing_invoices.show_invoice, invoice_id)

    @router.post("/{invoice_id}/match", summary="Match it with receipts", response_model=InvoiceOut)
    async def match(
        caller: Annotated[Caller, Depends(may("purchase:match"))], invoice_id: PathKey, body: MatchIn
    ) -> Response:
        receipts = body.model_dump()["receipts"]
        show_one, lock = purchasing_invoices.show_invoice, purchasing_invoices.LOCK
        return await caller.change(show_one, lock, invoice_id, purchasing_invoices.match_invoice, receipts)

    return router
