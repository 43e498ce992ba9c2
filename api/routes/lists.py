"""`/lists`: what a store orders, moves and counts by, as a file to print, to open or to read by a program.

The API makes no file: `ims.web` gives it the function that does (pipelines/handouts), which also records each one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.identity.principal import Origin, SignedIn
from api.refusals import NotFound, NotPermitted
from api.routes.caller import Caller, may
from api.routes.fields import CLEAN

Form = Literal["csv", "xlsx", "pdf", "parquet"]
Kind = Literal["reorder", "orders", "transfers", "counts"]
# kind, form, store, whether idle pairs too, who, from where → bytes, name, what the manifest says
Take = Callable[[Kind, Form, str | None, bool, SignedIn, Origin], tuple[bytes, str, dict[str, Any]]]
TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "parquet": "application/vnd.apache.parquet",
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. Its manifest is in the headers: digest (RFC 9530), lines, snapshot and as-of day.",
        "content": {name.partition(";")[0]: BINARY for name in TYPES.values()},
        "headers": {
            name: {"schema": {"type": "string"}}
            for name in ("Content-Disposition", "Repr-Digest", "X-List-Rows", "X-List-Snapshot", "X-List-As-Of")
        },
    }
}
Store = Annotated[str | None, Query(max_length=64, pattern=CLEAN, description="Only this store, by its code.")]
Idle = Annotated[bool, Query(alias="all", description="The order list with every planned pair, 0 included.")]
FormOf = Annotated[Form, Query(description="How the file is written.")]


def create_router() -> APIRouter:
    """The routes of lists."""
    router = APIRouter(prefix="/lists", tags=["lists"])

    @router.get("/reorder", summary="The order list of stores", response_class=Response, responses=FILE)
    async def reorder(
        request: Request,
        caller: Annotated[Caller, Depends(may("suggestion:export"))],
        form: FormOf = "xlsx",
        store: Store = None,
        is_whole: Idle = False,
    ) -> Response:
        return await _take(request, caller, "reorder", form, store, is_whole)

    @router.get("/orders", summary="Orders not sent yet, by vendor", response_class=Response, responses=FILE)
    async def orders(
        request: Request,
        caller: Annotated[Caller, Depends(may("export:plain"))],
        form: FormOf = "xlsx",
        store: Store = None,
    ) -> Response:
        return await _take(request, caller, "orders", form, store)

    @router.get("/transfers", summary="Transfers to pick and to receive", response_class=Response, responses=FILE)
    async def transfers(
        request: Request,
        caller: Annotated[Caller, Depends(may("export:plain"))],
        form: FormOf = "xlsx",
        store: Store = None,
    ) -> Response:
        return await _take(request, caller, "transfers", form, store)

    @router.get("/counts", summary="What to count first", response_class=Response, responses=FILE)
    async def counts(
        request: Request,
        caller: Annotated[Caller, Depends(may("export:plain"))],
        form: FormOf = "xlsx",
        store: Store = None,
    ) -> Response:
        return await _take(request, caller, "counts", form, store)

    return router


async def _take(
    request: Request, caller: Caller, kind: Kind, form: Form, store: str | None, is_whole: bool = False
) -> Response:
    take: Take | None = getattr(request.app.state, "take_list", None)
    if take is None:
        raise NotFound("no-lists", "This server has no warehouse beside it: ask one that runs the whole of IMS.")
    try:
        content, name, about = await asyncio.to_thread(take, kind, form, store, is_whole, caller.user, caller.origin)
    except NotPermitted as refusal:
        await caller.note_denied(refusal.code)
        raise
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "Repr-Digest": f"sha-256=:{about['digest']}:",
        "X-List-Rows": str(about["rows"]),
        "X-List-Snapshot": str(about["snapshot_id"]),
        "X-List-As-Of": str(about["as_of"]),
    }
    return Response(content, media_type=TYPES[form], headers=headers)
