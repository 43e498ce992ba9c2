"""`/vendors` and `/supply-terms`: who supplies, what they ask of an order, and what of which product."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Amount, Code, Day, In, Key, Out, PathKey, Text
from api.routes.receipts import UnitCost
from api.services import vendors
from api.services.paging import Paging

Kind = Literal["domestic", "international"]
ADDRESS = r"^[A-Za-z0-9.!#$%&*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
Email = Annotated[str, StringConstraints(max_length=254, pattern=ADDRESS)]
Days = Annotated[int, Field(ge=0, le=3650)]
Weekdays = Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)]
Lot = Annotated[int, Field(ge=1, le=1_000_000)]


class TermIn(In):
    """What the vendor asks of an order from a day on; on these weekdays (1 = Monday) it takes orders."""

    minimum_order_amount: Amount | None = None
    order_weekdays: Weekdays | None = None
    valid_from_on: Day
    valid_to_on: Day | None = None


class TermOut(Out):
    """A term of a vendor."""

    vendor_term_id: int
    vendor_id: int
    minimum_order_amount: Decimal | None = None
    order_weekdays: list[int] | None = None
    valid_from_on: dt.date
    valid_to_on: dt.date | None = None
    updated_at: dt.datetime


class VendorItem(Out):
    """A vendor in a list."""

    vendor_id: int
    vendor_code: str
    name: str
    kind: Kind
    tax_registration: str | None = None
    credit_days: int
    quoted_lead_time_days: int | None = None
    email: str | None = None
    is_active: bool
    updated_at: dt.datetime


class VendorOut(VendorItem):
    """A vendor with its terms."""

    terms: list[TermOut]


class VendorPage(Out):
    """Vendors, the newest first."""

    items: list[VendorItem]
    next_cursor: str | None = None


class VendorIn(In):
    """A vendor to add. Orders are sent to `email`."""

    vendor_code: Code
    name: Text
    kind: Kind = "domestic"
    tax_registration: Code | None = None
    credit_days: Days = 30
    quoted_lead_time_days: Days | None = None
    email: Email | None = None


class VendorChange(In):
    """What may change; members left out stay."""

    name: Text | None = None
    kind: Kind | None = None
    tax_registration: Code | None = None
    credit_days: Days | None = None
    quoted_lead_time_days: Days | None = None
    email: Email | None = None
    is_active: bool | None = None


class SupplyIn(In):
    """A product that a vendor supplies; without a store it is for every store."""

    vendor_id: Key
    product_id: Key
    store_id: Key | None = None
    lead_time_days: Days
    lead_time_sd_days: Annotated[float, Field(ge=0, le=3650)] | None = None
    review_period_days: Annotated[int, Field(ge=1, le=3650)] = 7
    moq: Lot = 1
    pack_size: Lot = 1
    unit_cost: UnitCost | None = None


class SupplyChange(In):
    """What may change; members left out stay."""

    lead_time_days: Days | None = None
    lead_time_sd_days: Annotated[float, Field(ge=0, le=3650)] | None = None
    review_period_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    moq: Lot | None = None
    pack_size: Lot | None = None
    unit_cost: UnitCost | None = None


class SupplyOut(Out):
    """Terms of supply of one product."""

    supply_term_id: int
    vendor_id: int
    product_id: int
    sku: str
    store_id: int | None = None
    lead_time_days: int
    lead_time_sd_days: float | None = None
    review_period_days: int
    moq: int
    pack_size: int
    unit_cost: Decimal | None = None
    updated_at: dt.datetime


class SupplyPage(Out):
    """Terms of supply, the newest first."""

    items: list[SupplyOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of vendors and their terms."""
    router = APIRouter()
    _vendors(router)
    _supply(router)
    return router


def _vendors(router: APIRouter) -> None:
    @router.get("/vendors", summary="Vendors", response_model=VendorPage, tags=["vendors"])
    async def browse(
        caller: Annotated[Caller, Depends(may("vendor:read"))],
        page: Annotated[Paging, Depends(paging)],
        q: Annotated[Text | None, Query(description="A part of the code or name.")] = None,
        is_active: bool | None = None,
    ) -> Response:
        return await caller.read(vendors.list_vendors, page, q=q, is_active=is_active)

    @router.post("/vendors", summary="Add a vendor", status_code=201, response_model=VendorOut, tags=["vendors"])
    async def create(caller: Annotated[Caller, Depends(creating("vendor:write"))], body: VendorIn) -> Response:
        return await caller.create(vendors.create_vendor, body.model_dump())

    @router.get("/vendors/{vendor_id}", summary="One vendor with its terms", response_model=VendorOut, tags=["vendors"])
    async def show(caller: Annotated[Caller, Depends(may("vendor:read"))], vendor_id: PathKey) -> Response:
        return await caller.read(vendors.show_vendor, vendor_id)

    @router.patch("/vendors/{vendor_id}", summary="Change a vendor", response_model=VendorOut, tags=["vendors"])
    async def change(
        caller: Annotated[Caller, Depends(may("vendor:write"))], vendor_id: PathKey, body: VendorChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(vendors.show_vendor, vendors.LOCK, vendor_id, vendors.change_vendor, changes)

    @router.post(
        "/vendors/{vendor_id}/terms",
        summary="Set what a vendor asks of an order",
        status_code=201,
        response_model=VendorOut,
        tags=["vendors"],
    )
    async def add_term(
        caller: Annotated[Caller, Depends(creating("vendor:write"))], vendor_id: PathKey, body: TermIn
    ) -> Response:
        return await caller.create(vendors.add_term, vendor_id, body.model_dump())


def _supply(router: APIRouter) -> None:

    @router.get("/supply-terms", summary="Who supplies what", response_model=SupplyPage, tags=["supply terms"])
    async def browse_supply(
        caller: Annotated[Caller, Depends(may("vendor:read"))],
        page: Annotated[Paging, Depends(paging)],
        vendor_id: Annotated[Key | None, Query()] = None,
        product_id: Annotated[Key | None, Query()] = None,
    ) -> Response:
        return await caller.read(vendors.list_supply, page, vendor_id, product_id)

    @router.post(
        "/supply-terms",
        summary="Add a product a vendor supplies",
        status_code=201,
        response_model=SupplyOut,
        tags=["supply terms"],
    )
    async def add_supply(caller: Annotated[Caller, Depends(creating("vendor:write"))], body: SupplyIn) -> Response:
        return await caller.create(vendors.add_supply, body.model_dump())

    @router.get(
        "/supply-terms/{supply_term_id}", summary="One term of supply", response_model=SupplyOut, tags=["supply terms"]
    )
    async def show_supply(caller: Annotated[Caller, Depends(may("vendor:read"))], supply_term_id: PathKey) -> Response:
        return await caller.read(vendors.show_supply, supply_term_id)

    @router.patch(
        "/supply-terms/{supply_term_id}",
        summary="Change a term of supply",
        response_model=SupplyOut,
        tags=["supply terms"],
    )
    async def change_supply(
        caller: Annotated[Caller, Depends(may("vendor:write"))], supply_term_id: PathKey, body: SupplyChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(
            vendors.show_supply, vendors.LOCK_SUPPLY, supply_term_id, vendors.change_supply, changes
        )
