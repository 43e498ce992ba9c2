"""`/products/{product_id}/prices` and `/tax-classes`: what things sell for, and with which tax, over time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Amount, Code, Day, In, Key, Out, PathKey, Share, Text
from api.services import prices, taxes
from api.services.paging import Paging

UnitPrice = Annotated[Decimal, Field(ge=0, le=Decimal("999999999.99"), decimal_places=4)]


class PriceIn(In):
    """A price from a day on: `unit_price` without tax, `mrp` with it. Without a store it is the chain's."""

    unit_price: UnitPrice
    mrp: Amount | None = None
    store_id: Key | None = None
    valid_from_on: Day | None = None


class PriceOut(Out):
    """A price while it holds; both days are included."""

    price_history_id: int
    product_id: int
    store_id: int | None = None
    unit_price: Decimal
    mrp: Decimal | None = None
    valid_from_on: dt.date
    valid_to_on: dt.date | None = None
    created_by: int | None = None


class PricePage(Out):
    """Prices, the newest first."""

    items: list[PriceOut]
    next_cursor: str | None = None


class TaxClassIn(In):
    """Goods taxed alike."""

    code: Code
    name: Text


class TaxClassOut(Out):
    """A class, with the rate that holds today."""

    tax_class_id: int
    code: str
    name: str
    rate: Decimal | None = None


class TaxClassPage(Out):
    """Classes, the newest first."""

    items: list[TaxClassOut]
    next_cursor: str | None = None


class TaxRateIn(In):
    """A rate from a day on: 0.18 is 18 %."""

    rate: Share
    valid_from_on: Day


class TaxRateOut(Out):
    """A rate while it is law; both days are included."""

    tax_rate_id: int
    tax_class_id: int
    rate: Decimal
    valid_from_on: dt.date
    valid_to_on: dt.date | None = None


class TaxRateList(Out):
    """The rates of a class, the first first."""

    items: list[TaxRateOut]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of prices and tax rates."""
    router = APIRouter(tags=["prices"])

    @router.get("/products/{product_id}/prices", summary="Prices over time", response_model=PricePage)
    async def browse(
        caller: Annotated[Caller, Depends(may("price:read"))],
        product_id: PathKey,
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[Key | None, Query()] = None,
    ) -> Response:
        return await caller.read(prices.list_prices, page, product_id, store_id)

    @router.post("/products/{product_id}/prices", summary="Set a price", status_code=201, response_model=PriceOut)
    async def set_price(
        caller: Annotated[Caller, Depends(creating("price:write"))], product_id: PathKey, body: PriceIn
    ) -> Response:
        return await caller.create(prices.set_price, product_id, body.model_dump())

    @router.get("/tax-classes", summary="Tax classes", response_model=TaxClassPage)
    async def browse_classes(
        caller: Annotated[Caller, Depends(may("price:read"))], page: Annotated[Paging, Depends(paging)]
    ) -> Response:
        return await caller.read(taxes.list_classes, page)

    @router.post("/tax-classes", summary="Add a tax class", status_code=201, response_model=TaxClassOut)
    async def add_class(caller: Annotated[Caller, Depends(creating("price:write"))], body: TaxClassIn) -> Response:
        return await caller.create(taxes.add_class, body.code, body.name)

    @router.get("/tax-classes/{tax_class_id}/rates", summary="Rates over time", response_model=TaxRateList)
    async def browse_rates(caller: Annotated[Caller, Depends(may("price:read"))], tax_class_id: PathKey) -> Response:
        return await caller.read(taxes.list_rates, tax_class_id)

    @router.post("/tax-classes/{tax_class_id}/rates", summary="Set a rate", status_code=201, response_model=TaxRateOut)
    async def set_rate(
        caller: Annotated[Caller, Depends(creating("price:write"))], tax_class_id: PathKey, body: TaxRateIn
    ) -> Response:
        return await caller.create(taxes.set_rate, tax_class_id, body.rate, body.valid_from_on)

    return router
