"""The page `/reset-password`: where the link of a reset mail leads."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from api.identity.door import Door
from api.identity.origin import origin_of
from api.identity.password_changes import confirm_reset
from api.refusals import Refusal
from api.routes.pages import message_page
from api.routes.step_pages import new_password_page


def create_router(door: Door) -> APIRouter:
    """The page and its form; open, because the token is what counts."""
    router = APIRouter(include_in_schema=False)

    @router.get("/reset-password", include_in_schema=False)
    async def show(token: str = "") -> Response:
        return new_password_page("/reset-password", "token", token[:200])

    @router.post("/reset-password", include_in_schema=False)
    async def set_by_form(
        request: Request, token: str = Form("", max_length=200), password: str = Form("", max_length=1024)
    ) -> Response:
        try:
            await confirm_reset(door, origin_of(request), token, password)
        except Refusal as refused:
            return new_password_page("/reset-password", "token", token, refused.detail, refused.status)
        return message_page(200, "Your new password holds", "Every session was ended. Sign in at /sign-in.")

    return router
