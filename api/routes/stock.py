"""`/stock`: levels, the grid of a lens, units with a serial, and the ledger."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, paging
from api.routes.fields import CLEAN, Day, In, Key, Out, PathKey, Text
from api.services import lens_cells, stock_levels, stock_moves, stock_units
from api.services.paging import Paging

MoveKind = Literal[
    "opening", "receipt", "sale", "return", "count", "adjustment", "damage", "expiry", "transfer", "transfer_ship",
    "transfer_receive", "remake", "vendor_return", "reversal",
]  # fmt: skip
Place = Literal["store", "transit", "lab", "quarantine", "vendor", "customer", "loss", "opening"]
UnitStatus = Literal["good", "damaged", "expired", "under_audit"]
Dioptres = Annotated[Decimal, Field(ge=-25, le=25, multiple_of=Decimal("0.25"))]
Addition = Annotated[Decimal, Field(ge=Decimal("0.75"), le=4, multiple_of=Decimal("0.25"))]
Named = Annotated[str, Query(min_length=1, max_length=200, pattern=CLEAN)]
Of = Annotated[Key, Query()]


class LevelOut(Out):
    """How much of a product lies in a store; with the grain `cell` or `unit`, how much of one power, or one unit."""

    product_id: int
    sku: str
    name: str
    category: str
    store_id: int
    store_code: str
    on_hand: int
    reserved: int
    available: int
    in_transit: int
    lens_cell_id: int | None = None
    sph: Decimal | None = None
    cyl: Decimal | None = None
    add: Decimal | None = None
    stock_unit_id: int | None = None
    serial: str | None = None
    barcode: str | None = None
    batch_code: str | None = None
    expires_on: dt.date | None = None
    status: UnitStatus | None = None
    stock_value: Decimal | None = None


class LevelPage(Out):
    """Levels by product and store."""

    items: list[LevelOut]
    next_cursor: str | None = None


class CellOut(Out):
    """A power of a lens and what lies there."""

    lens_cell_id: int
    sph: Decimal
    cyl: Decimal
    add: Decimal | None = None
    on_hand: int
    reserved: int
    available: int
    in_transit: int


class GridOut(Out):
    """A lens that is kept by power, with its range and its cells."""

    product_id: int
    sku: str
    name: str
    lens_line_id: int
    refractive_index: Decimal
    material: str
    kind: str
    sph_from: Decimal
    sph_to: Decimal
    cyl_from: Decimal
    cyl_to: Decimal
    add_from: Decimal | None = None
    add_to: Decimal | None = None
    step: Decimal
    cells: list[CellOut]


class CellIn(In):
    """A power, in dioptres."""

    product_id: Key
    sph: Dioptres
    cyl: Dioptres = Decimal(0)
    add: Addition | None = None


class NewCellOut(Out):
    """The cell of a power."""

    lens_cell_id: int
    product_id: int
    sph: Decimal
    cyl: Decimal
    add: Decimal | None = None


class MoveOut(Out):
    """Units that went from one place to another."""

    stock_move_id: int
    moved_on: dt.date
    kind: MoveKind
    quantity: int
    product_id: int
    sku: str
    name: str
    lens_cell_id: int | None = None
    sph: Decimal | None = None
    cyl: Decimal | None = None
    add: Decimal | None = None
    stock_unit_id: int | None = None
    serial: str | None = None
    unit_cost: Decimal | None = None
    source: Place
    source_store_id: int | None = None
    source_store_code: str | None = None
    destination: Place
    destination_store_id: int | None = None
    destination_store_code: str | None = None
    reference_type: str | None = None
    reference_id: int | None = None
    reference: str | None = None
    posted_by: int | None = None
    posted_at: dt.datetime
    reversed_by_move_id: int | None = None
    reverses_move_id: int | None = None
    reason: str | None = None


class MovePage(Out):
    """Moves, the newest first."""

    items: list[MoveOut]
    next_cursor: str | None = None


class ReverseIn(In):
    """Why."""

    reason: Text


class UnitItem(Out):
    """A unit, and where it lies; without a place it left the chain."""

    stock_unit_id: int
    product_id: int
    sku: str
    name: str
    serial: str
    barcode: str | None = None
    batch_code: str | None = None
    expires_on: dt.date | None = None
    status: UnitStatus
    place: Place | None = None
    store_id: int | None = None
    store_code: str | None = None
    is_reserved: bool | None = None


class UnitOut(UnitItem):
    """A unit with where it has been, as far as the caller's stores reach, the newest first."""

    moves: list[MoveOut]


class UnitPage(Out):
    """Units, the newest first."""

    items: list[UnitItem]
    next_cursor: str | None = None


def create_router() -> APIRouter:
    """The routes of stock."""
    router = APIRouter(prefix="/stock", tags=["stock"])
    _add_levels(router)
    _add_moves(router)
    _add_units(router)
    return router


def _add_levels(router: APIRouter) -> None:
    @router.get("/levels", summary="What lies in the stores in reach", response_model=LevelPage)
    async def browse_levels(
        caller: Annotated[Caller, Depends(may("stock:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Of | None = None,
        product_id: Of | None = None,
        sku: Named | None = None,
        category: Named | None = None,
        below: Annotated[int | None, Query(ge=0, le=1_000_000, description="Only where fewer are available.")] = None,
        grain: Annotated[stock_levels.Grain, Query(description="A row per product, or per lens cell or unit.")] = (
            "product"
        ),
    ) -> Response:
        return await caller.read(
            stock_levels.list_levels,
            page,
            grain=grain,
            store_id=store_id,
            product_id=product_id,
            sku=sku,
            category=category,
            below=below,
        )

    @router.get("/lens-grids/{product_id}", summary="A lens by power", response_model=GridOut)
    async def show_grid(
        caller: Annotated[Caller, Depends(may("stock:read"))], product_id: PathKey, store_id: Of | None = None
    ) -> Response:
        return await caller.read(lens_cells.show_grid, product_id, store_id)

    @router.post("/lens-cells", summary="The cell of a power", status_code=201, response_model=NewCellOut)
    async def open_cell(caller: Annotated[Caller, Depends(creating("stock:count"))], body: CellIn) -> Response:
        return await caller.create(lens_cells.open_cell, body.model_dump())


def _add_moves(router: APIRouter) -> None:
    @router.get("/moves", summary="The ledger", response_model=MovePage)
    async def browse_moves(
        caller: Annotated[Caller, Depends(may("stock:read"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Of | None = None,
        product_id: Of | None = None,
        stock_unit_id: Of | None = None,
        kind: MoveKind | None = None,
        from_on: Annotated[
            Day | None, Query(description="The first day; without product, unit or document the last 92 days.")
        ] = None,
        to_on: Annotated[Day | None, Query(description="The last day.")] = None,
        reference_type: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z_]+$")] = None,
        reference_id: Of | None = None,
    ) -> Response:
        return await caller.read(
            stock_moves.list_moves,
            page,
            store_id=store_id,
            product_id=product_id,
            stock_unit_id=stock_unit_id,
            kind=kind,
            from_on=from_on,
            to_on=to_on,
            reference_type=reference_type,
            reference_id=reference_id,
        )

    @router.get("/moves/{move_id}", summary="One move", response_model=MoveOut)
    async def show_move(caller: Annotated[Caller, Depends(may("stock:read"))], move_id: PathKey) -> Response:
        return await caller.read(stock_moves.show_move, move_id)

    @router.post("/moves/{move_id}/reverse", summary="Take a move back", status_code=201, response_model=MoveOut)
    async def reverse(
        caller: Annotated[Caller, Depends(creating("stock:reverse"))], move_id: PathKey, body: ReverseIn
    ) -> Response:
        return await caller.create(stock_moves.reverse_move, move_id, body.reason)


def _add_units(router: APIRouter) -> None:
    @router.get("/units", summary="Units with a serial", response_model=UnitPage)
    async def browse_units(
        caller: Annotated[Caller, Depends(may("stock:read"))],
        page: Annotated[Paging, Depends(paging)],
        serial: Named | None = None,
        barcode: Named | None = None,
        product_id: Of | None = None,
        store_id: Of | None = None,
        status: UnitStatus | None = None,
    ) -> Response:
        return await caller.read(
            stock_units.list_units,
            page,
            serial=serial,
            barcode=barcode,
            product_id=product_id,
            store_id=store_id,
            status=status,
        )

    @router.get("/units/{unit_id}", summary="One unit and where it has been", response_model=UnitOut)
    async def show_unit(caller: Annotated[Caller, Depends(may("stock:read"))], unit_id: PathKey) -> Response:
        return await caller.read(stock_units.show_unit, unit_id)
