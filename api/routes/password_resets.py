"""`/password-resets`: a new password for whoever holds the one-time token that was sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.identity.door import Door
from api.identity.origin import origin_of
from api.identity.password_changes import ask_reset, confirm_reset
from api.identity.signing_in import within_limit
from api.routes.fields import In, Trimmed
from api.routes.tokens import Secret


class ResetIn(In):
    """Whose password was forgotten."""

    username: Annotated[str, Field(min_length=1, max_length=200), Trimmed]


class ConfirmIn(In):
    """The token that was sent, and the new password."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    password: Secret


def create_router(door: Door) -> APIRouter:
    """The routes under `/api/v1/password-resets`."""
    router = APIRouter(prefix="/api/v1/password-resets", tags=["identity"])

    @router.post("", summary="Forgot the password", status_code=202, response_class=Response)
    async def ask(request: Request, body: ResetIn) -> Response:
        """Always 202: whether there is such an account is not told, not even by the time this takes."""
        origin = origin_of(request)
        await within_limit(door, door.reset_limit, origin, body.username)
        return Response(status_code=202, background=BackgroundTask(ask_reset, door, origin, body.username))

    @router.post("/confirm", summary="Set a new password with a token", status_code=204)
    async def confirm(request: Request, body: ConfirmIn) -> Response:
        await confirm_reset(door, origin_of(request), body.token, body.password)
        return Response(status_code=204)

    return router
