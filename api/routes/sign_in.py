"""Signing in and out: the only routes that hand out, or take back, a session cookie."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request
from limits.errors import StorageError
from starlette.responses import RedirectResponse, Response

from api.identity.accounts import Account
from api.identity.door import Door
from api.identity.journal import note
from api.identity.origin import local_path, origin_of
from api.identity.sessions import cookie_name, end_sessions, hash_token
from api.identity.signing_in import begin_session, check_password
from api.refusals import Refusal
from api.routes.pages import message_page, sign_in_page, sign_out_page
from api.services.connections import DATABASE_ERRORS


def create_router(door: Door) -> APIRouter:
    """The routes `/sign-in` and `/sign-out`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def show(next: str = "/") -> Response:
        return sign_in_page(local_path(next))

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        username: str = Form("", max_length=1024),
        password: str = Form("", max_length=1024),
        next: str = Form("/"),
    ) -> Response:
        target, name, origin = local_path(next), username.strip()[:200], origin_of(request)
        try:
            account = await check_password(door, origin, name, password)
            return await _let_in(request, account, target)
        except Refusal as refused:
            return _refuse(sign_in_page(target, name, refused.detail, refused.status), refused)
        except (*DATABASE_ERRORS, StorageError):
            return _unavailable()

    async def _let_in(request: Request, account: Account, target: str) -> Response:
        """Begin the session; the one this browser had, if any, ends."""
        is_secure = request.url.scheme == "https"
        name = cookie_name(is_secure)
        before = request.cookies.get(name)
        known = await door.directory.find(hash_token(before)) if before else None
        replaces = known.session_id if known is not None and known.user_id == account.user_id else None
        _, token = await begin_session(door, origin_of(request), account, replaces=replaces)
        if replaces is not None:
            door.directory.drop(session_id=replaces)
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            name,
            token,
            max_age=door.settings.session_hours * 3600,
            httponly=True,
            samesite="lax",
            secure=is_secure,
            path="/",
        )
        return response

    @router.get("/sign-out")
    async def ask(request: Request) -> Response:
        return sign_out_page(request.state.user.username)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        user = request.state.user
        async with door.pool.connection() as connection, connection.transaction():
            await end_sessions(connection, user.user_id, "signed out", only=user.session_id)
            who = {"user_id": user.user_id, "username": user.username, "roles": user.roles}
            await note(connection, "session.closed", origin_of(request), session_id=user.session_id, **who)
        door.directory.drop(session_id=user.session_id)
        is_secure = request.url.scheme == "https"
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(cookie_name(is_secure), path="/", secure=is_secure, httponly=True, samesite="lax")
        return response

    return router


def _refuse(page: Response, refused: Refusal) -> Response:
    wait = refused.members.get("retry_after")
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


def _unavailable() -> Response:
    return message_page(
        503,
        "The database does not answer",
        "IMS cannot reach its PostgreSQL, so nobody can sign in now. Try again soon.",
    )
