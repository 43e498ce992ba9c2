"""`/tokens`: how a program signs in, stays signed in, and signs out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints
from starlette.responses import JSONResponse, Response

from api.identity.door import Door
from api.identity.journal import note
from api.identity.origin import origin_of
from api.identity.refreshing import State, add_refresh_token, use_refresh_token
from api.identity.sessions import end_sessions
from api.identity.signing_in import WrongCredentials, begin_session, check_password, check_second_factor
from api.refusals import NotPermitted
from api.routes.fields import In, Out, Trimmed

Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
OneTimeCode = Annotated[str, Field(max_length=64), Trimmed]
NOT_STORED = {"Cache-Control": "no-store"}


class TokensIn(In):
    """A user name and password, and a code where the account has a second factor."""

    username: Annotated[str, Field(min_length=1, max_length=200), Trimmed]
    password: Secret
    totp: Annotated[OneTimeCode | None, Field(description="A code of the app, or a backup code.")] = None


class RefreshIn(In):
    """A refresh token; it works once."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=200)]


class TokensOut(Out):
    """An access token (a JWT), and the token that gets the next one."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Field(description="Seconds until the access token ends.")]
    refresh_token: str


def create_router(door: Door) -> APIRouter:
    """The routes under `/api/v1/tokens`."""
    router = APIRouter(prefix="/api/v1/tokens", tags=["identity"])

    @router.post("", summary="Sign in", status_code=201, response_model=TokensOut)
    async def sign_in(request: Request, body: TokensIn) -> Response:
        origin = origin_of(request)
        account = await check_password(door, origin, body.username, body.password)
        if account.has_totp:
            if body.totp is None:
                raise WrongCredentials("code-required", "This account has a second factor: send its code as `totp`.")
            await check_second_factor(door, origin, account, body.totp)
        elif account.roles & door.settings.require_totp_roles:
            raise NotPermitted("second-factor-required", "Your role needs a second factor: set it up at /sign-in.")
        if account.must_change_password:
            raise NotPermitted("password-change-required", "Choose a password of your own first, at /sign-in.")
        session_id, _ = await begin_session(door, origin, account, kind="api")
        async with door.pool.connection() as connection:
            refresh_token = await add_refresh_token(connection, session_id)
        return _answer(201, account.user_id, session_id, refresh_token)

    @router.post("/refresh", summary="Get the next tokens", response_model=TokensOut)
    async def refresh(request: Request, body: RefreshIn) -> Response:
        origin = origin_of(request)
        async with door.pool.connection() as connection, connection.transaction():
            used = await use_refresh_token(connection, body.refresh_token)
            if used.owner is not None and used.state in {State.FRESH, State.REUSED}:
                kind = "token.refreshed" if used.state is State.FRESH else "token.reused"
                await note(connection, kind, origin, used.owner, session_id=used.owner.session_id)
        if used.owner is not None and used.state is State.REUSED:
            door.directory.drop(session_id=used.owner.session_id)
        if used.owner is None or used.token is None:
            raise WrongCredentials("wrong-refresh-token", "This refresh token opens nothing any more; sign in again.")
        return _answer(200, used.owner.user_id, used.owner.session_id, used.token)

    @router.delete("/current", summary="Sign out", status_code=204)
    async def sign_out(request: Request) -> Response:
        user = request.state.user
        async with door.pool.connection() as connection, connection.transaction():
            await end_sessions(connection, user.user_id, "signed out", only=user.session_id)
            await note(connection, "session.closed", origin_of(request), user, session_id=user.session_id)
        door.directory.drop(session_id=user.session_id)
        return Response(status_code=204)

    def _answer(status: int, user_id: int, session_id: int, refresh_token: str) -> JSONResponse:
        tokens = TokensOut(
            access_token=door.tokens.issue(user_id, session_id),
            expires_in=door.tokens.seconds,
            refresh_token=refresh_token,
        )
        return JSONResponse(tokens.model_dump(), status, NOT_STORED)

    return router
