"""`/customers/{id}/export` and `/customers/{id}/erasure`: a person's rights over what is held on them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.routes.caller import Caller, may
from api.routes.fields import Out, PathKey
from api.services import privacy_erasure, privacy_export
from api.services.action import Action

FILES = {"json": ("application/json", "json"), "csv": ("application/zip", "zip")}


class ErasureOut(Out):
    """Who the customer is from now on, and since when."""

    customer_id: int
    pseudonym: str
    erased_at: dt.datetime


def create_router() -> APIRouter:
    """The routes of privacy."""
    router = APIRouter(prefix="/customers/{customer_id}", tags=["privacy"])

    @router.get(
        "/export",
        summary="Everything held on a customer",
        response_class=Response,
        responses={200: {"content": {"application/json": {}, "application/zip": {}}}},
    )
    async def export(
        caller: Annotated[Caller, Depends(may("customer:export"))],
        customer_id: PathKey,
        format: Literal["json", "csv"] = "json",
    ) -> Response:
        content = b""

        async def take(action: Action) -> None:
            nonlocal content
            content = await privacy_export.export_customer(action, customer_id, format)

        await caller.write(take)
        kind, suffix = FILES[format]
        headers = {
            "Content-Disposition": f'attachment; filename="customer-{customer_id}.{suffix}"',
            "Cache-Control": "no-store",
        }
        return Response(content, headers=headers, media_type=kind)

    @router.post("/erasure", summary="Erase a customer's personal data", response_model=ErasureOut)
    async def erase(caller: Annotated[Caller, Depends(may("customer:erase"))], customer_id: PathKey) -> Response:
        return await caller.write(privacy_erasure.erase_customer, customer_id)

    return router
