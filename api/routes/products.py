"""`/products`: what the chain sells. Costs are seen with cost:read; prices over time are `/products/{id}/prices`."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import Amount, Code, Day, In, Key, Out, PathKey, Text
from api.routes.prices import UnitPrice
from api.services import products
from api.services.paging import Paging

DiscountClass = Literal["MASS", "PREMIUM", "LUXURY", "SERVICE", "NON_DISCOUNTABLE"]
Lifecycle = Literal["NEW", "CORE", "SEASONAL", "CLEARANCE", "DISCONTINUED"]
Gender = Literal["women", "men", "unisex", "children"]
Hsn = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,8}$")]


class StockOut(Out):
    """What lies on a store's shelves."""

    store_id: int
    store_code: str
    on_hand: int
    available: int


class ProductItem(Out):
    """A product. `unit_price` is without tax, `mrp` with it; both are the catalogue's, without prices over time."""

    product_id: int
    sku: str
    name: str
    category: str
    subcategory: str | None = None
    brand: str | None = None
    barcode: str | None = None
    hsn_code: str | None = None
    tax_class_id: int | None = None
    unit_price: Decimal | None = None
    mrp: Decimal | None = None
    unit_cost: Decimal | None = None
    discount_class: DiscountClass
    lifecycle: Lifecycle
    style_code: str | None = None
    model: str | None = None
    colour_code: str | None = None
    colour_name: str | None = None
    size_label: str | None = None
    gender: Gender | None = None
    launched_on: dt.date | None = None
    discontinued_on: dt.date | None = None
    is_active: bool
    is_serialised: bool
    is_batch_tracked: bool
    is_transfer_excluded: bool
    is_never_reordered: bool
    updated_at: dt.datetime


class ProductOut(ProductItem):
    """A product with the price (without tax), mrp and tax rate of a day, and the stock in reach when asked for."""

    price: Decimal | None = None
    price_mrp: Decimal | None = None
    tax_rate: Decimal | None = None
    priced_on: dt.date | None = None
    stock: list[StockOut] | None = None


class ProductPage(Out):
    """Products, the newest first, or the best matches of a search."""

    items: list[ProductItem]
    next_cursor: str | None = None


class ProductIn(In):
    """A product to sell; its first price."""

    sku: Code
    name: Text
    category: Text
    subcategory: Text | None = None
    brand: Text | None = None
    barcode: Code | None = None
    hsn_code: Hsn | None = None
    tax_class_id: Key | None = None
    unit_price: UnitPrice | None = None
    mrp: Amount | None = None
    discount_class: DiscountClass = "MASS"
    lifecycle: Lifecycle = "CORE"
    style_code: Text | None = None
    model: Text | None = None
    colour_code: Text | None = None
    colour_name: Text | None = None
    size_label: Text | None = None
    gender: Gender | None = None
    launched_on: Day | None = None
    is_serialised: bool = False
    is_batch_tracked: bool = False
    is_transfer_excluded: bool = False
    is_never_reordered: bool = False


class ProductChange(In):
    """What may change; members left out stay. How it is stocked, by serial or by number, does not change."""

    name: Text | None = None
    category: Text | None = None
    subcategory: Text | None = None
    brand: Text | None = None
    barcode: Code | None = None
    hsn_code: Hsn | None = None
    tax_class_id: Key | None = None
    discount_class: DiscountClass | None = None
    lifecycle: Lifecycle | None = None
    style_code: Text | None = None
    model: Text | None = None
    colour_code: Text | None = None
    colour_name: Text | None = None
    size_label: Text | None = None
    gender: Gender | None = None
    discontinued_on: Day | None = None
    is_active: bool | None = None
    is_transfer_excluded: bool | None = None


class ProductTerms(In):
    """What a unit costs from today on, and whether the product is suggested for reordering."""

    unit_cost: UnitPrice | None = None
    is_never_reordered: bool | None = None


def create_router() -> APIRouter:
    """The routes of products."""
    router = APIRouter(prefix="/products", tags=["products"])

    @router.get("", summary="Products", response_model=ProductPage)
    async def browse(
        caller: Annotated[Caller, Depends(may("product:read"))],
        page: Annotated[Paging, Depends(paging)],
        q: Annotated[Text | None, Query(description="Words, or part of a sku, barcode, brand or model.")] = None,
        category: Annotated[Text | None, Query()] = None,
        brand: Annotated[Text | None, Query()] = None,
        is_active: bool | None = None,
        store_id: Annotated[Key | None, Query(description="Only what this store carries today.")] = None,
    ) -> Response:
        return await caller.read(
            products.list_products,
            page,
            q=q,
            category=category,
            brand=brand,
            is_active=is_active,
            store_id=store_id,
        )

    @router.post("", summary="Add a product", status_code=201, response_model=ProductItem)
    async def create(caller: Annotated[Caller, Depends(creating("product:write"))], body: ProductIn) -> Response:
        return await caller.create(products.create_product, body.model_dump())

    @router.get("/{product_id}", summary="One product, with the price of a day", response_model=ProductOut)
    async def show(
        caller: Annotated[Caller, Depends(may("product:read"))],
        product_id: PathKey,
        store_id: Annotated[Key | None, Query(description="The store whose own price counts.")] = None,
        with_stock: Annotated[bool, Query(description="Add the stock of the stores in reach.")] = False,
        on: Annotated[Day | None, Query(description="The day of price and tax; today.")] = None,
    ) -> Response:
        return await caller.read(products.show_product, product_id, store_id, with_stock, on)

    @router.patch("/{product_id}", summary="Change a product", response_model=ProductItem)
    async def change(
        caller: Annotated[Caller, Depends(may("product:write"))], product_id: PathKey, body: ProductChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(products.read_product, products.LOCK, product_id, products.change_product, changes)

    @router.patch("/{product_id}/terms", summary="Change cost and reordering", response_model=ProductItem)
    async def change_terms(
        caller: Annotated[Caller, Depends(may("product:write_terms"))], product_id: PathKey, body: ProductTerms
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(products.read_product, products.LOCK, product_id, products.change_terms, changes)

    return router
