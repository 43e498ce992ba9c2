"""Signing in and out: the only routes that hand out, or take back, a session cookie."""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.identity.limits import SignInLimit
from api.identity.origin import local_path
from api.identity.passwords import verify_password
from api.identity.sessions import COOKIE, find_account, issue_session, revoke_session
from api.routes.pages import message_page, sign_in_page, sign_out_page
from api.services.connections import DATABASE_ERRORS, Pool
from ims.settings import get_settings

logger = logging.getLogger("ims.web")


def create_router(pool: Pool) -> APIRouter:
    """The routes `/sign-in` and `/sign-out`."""
    router = APIRouter(include_in_schema=False)
    limit = SignInLimit()

    @router.get("/sign-in")
    async def show(next: str = "/") -> Response:
        return sign_in_page(local_path(next))

    @router.post("/sign-in")
    async def sign_in(
        request: Request, username: str = Form(""), password: str = Form(""), next: str = Form("/")
    ) -> Response:
        target, name = local_path(next), username.strip()[:200]
        address = request.client.host if request.client else "unknown"
        wait = limit.wait_seconds(name, address)
        if wait:
            logger.warning("sign-in refused: too many attempts", extra={"username": name, "address": address})
            page = sign_in_page(target, name, f"Too many attempts. Try again in {wait} seconds.", 429)
            page.headers["Retry-After"] = str(wait)
            return page
        try:
            token = await _try(name, password)
        except DATABASE_ERRORS:
            return _unavailable()
        if token is None:
            logger.warning("sign-in failed", extra={"username": name, "address": address})
            return sign_in_page(target, name, "The user name or the password is not right.", 401)
        limit.forgive(name, address)
        logger.info("signed in", extra={"username": name, "address": address})
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            COOKIE,
            token,
            max_age=get_settings().session_hours * 3600,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            path="/",
        )
        return response

    async def _try(name: str, password: str) -> str | None:
        async with pool.connection() as connection:
            account = await find_account(connection, name)
        # the connection is given back before the slow part, which leaves the event loop free
        is_right = await asyncio.to_thread(verify_password, account[1] if account else None, password)
        if account is None or not is_right:
            return None
        async with pool.connection() as connection:
            return await issue_session(connection, account[0], get_settings().session_hours)

    @router.get("/sign-out")
    async def ask(request: Request) -> Response:
        return sign_out_page(request.state.user.username)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        token = request.cookies.get(COOKIE)
        if token:
            async with pool.connection() as connection:
                await revoke_session(connection, token)
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(COOKIE, path="/")
        return response

    return router


def _unavailable() -> Response:
    return message_page(
        503,
        "The database does not answer",
        "IMS cannot reach its PostgreSQL, so nobody can sign in now. Try again soon.",
    )
