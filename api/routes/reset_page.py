"""The pages `/forgot-password`, which sends a link, and `/reset-password`, where that link leads."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.identity.door import Door
from api.identity.origin import origin_of
from api.identity.password_changes import MINUTES, ask_reset, confirm_reset, refuse_difference
from api.identity.signing_in import within_limit
from api.refusals import Refusal
from api.routes.page_route import PageRoute
from api.routes.pages import forgotten_page, message_page
from api.routes.step_pages import new_password_page

SIGN_IN = ("/sign-in", "Sign in")
SENT = f"""If there is such an account, and it has a mail address, a link is on its way to that address. It works once,
within {MINUTES} minutes. Nothing came? Your administrator knows which address the account has."""
NO_MAIL = "IMS has no mail server here, so it cannot send you a link. Your administrator gives you a new password."


def create_router(door: Door) -> APIRouter:
    """The pages and their forms; open, because the token that was sent is what counts."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get("/forgot-password")
    async def ask() -> Response:
        return forgotten_page() if door.settings.smtp_url else message_page(200, "Ask for it", NO_MAIL, onward=SIGN_IN)

    @router.post("/forgot-password")
    async def send(request: Request, username: str = Form("", max_length=200)) -> Response:
        if door.settings.smtp_url is None:
            return message_page(409, "Ask for it", NO_MAIL, onward=SIGN_IN)
        if not username.strip():
            return forgotten_page("Which account is it?", 422)
        origin = origin_of(request)
        try:
            await within_limit(door, door.reset_limit, origin, username)
        except Refusal as refused:
            page = forgotten_page(refused.detail, refused.status)
            page.headers["Retry-After"] = str(refused.members["retry_after"])
            return page
        # afterwards, so that the time of the answer does not tell whether there is such an account
        answer = message_page(200, "Look into your mail", SENT, onward=SIGN_IN)
        answer.background = BackgroundTask(ask_reset, door, origin, username)
        return answer

    @router.get("/reset-password")
    async def show(token: str = "") -> Response:
        return new_password_page("/reset-password", "token", token[:200])

    @router.post("/reset-password")
    async def set_by_form(
        request: Request,
        token: str = Form("", max_length=200),
        password: str = Form("", max_length=1024),
        again: str | None = Form(None, max_length=1024),
    ) -> Response:
        try:
            refuse_difference(password, again)
            await confirm_reset(door, origin_of(request), token, password)
        except Refusal as refused:
            return new_password_page("/reset-password", "token", token, refused.detail, refused.status)
        return message_page(200, "Your new password holds", "Every session was ended. Sign in anew.", onward=SIGN_IN)

    return router
