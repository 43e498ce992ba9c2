"""`/account`: who I am, my password, my second factor. Open to everyone who is signed in, for themselves only."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from api.identity.accounts import read_account
from api.identity.door import Door
from api.identity.enrolling import confirm_offer, offer, renew_codes, turn_off
from api.identity.origin import origin_of
from api.identity.password_changes import change_password
from api.identity.second_factor import count_backup_codes
from api.identity.signing_in import confirm_password
from api.refusals import NotFound
from api.routes.fields import In, Out, Trimmed
from api.routes.tokens import NOT_STORED, Secret


class AccountOut(Out):
    """The signed-in user. `permissions` says how far each reaches: all, stores or records."""

    user_id: int
    username: str
    roles: list[str]
    store_codes: list[str]
    permissions: dict[str, str]
    has_second_factor: bool
    backup_codes_left: int
    session_expires_at: dt.datetime


class PasswordChange(In):
    """The current password, and the new one: 12 characters or more."""

    current_password: Secret
    new_password: Secret


class PasswordIn(In):
    """The password, to prove again who is asking."""

    password: Secret


class CodeIn(In):
    """A code of the authenticator app."""

    code: Annotated[str, Field(min_length=6, max_length=64), Trimmed]


class EnrolmentOut(Out):
    """A new secret; `qr_svg` is `uri` as a picture. It counts once a code of it was confirmed."""

    secret: str
    uri: str
    qr_svg: str


class BackupCodesOut(Out):
    """Ten codes, shown this once; each works once."""

    backup_codes: list[str]


def create_router(door: Door) -> APIRouter:
    """The routes under `/api/v1/account`."""
    router = APIRouter(prefix="/api/v1/account", tags=["identity"])

    @router.get("", summary="Who I am", response_model=AccountOut)
    async def show(request: Request) -> Response:
        user = request.state.user
        async with door.pool.connection() as connection:
            account = await read_account(connection, user.user_id)
            codes_left = await count_backup_codes(connection, user.user_id)
        if account is None:
            raise NotFound("unknown-user", "This account does not exist any more.")
        shown = AccountOut(
            user_id=user.user_id,
            username=user.username,
            roles=sorted(user.roles),
            store_codes=sorted(user.store_codes),
            permissions=dict(sorted(user.grants.scopes.items())),
            has_second_factor=account.has_totp,
            backup_codes_left=codes_left,
            session_expires_at=user.expires_at,
        )
        return JSONResponse(shown.model_dump(mode="json"), headers=NOT_STORED)

    @router.patch("/password", summary="Change my password; my other sessions end", status_code=204)
    async def change(request: Request, body: PasswordChange) -> Response:
        user, origin = request.state.user, origin_of(request)
        await change_password(door, origin, user, body.current_password, body.new_password)
        return Response(status_code=204)

    @router.post("/totp", summary="Begin to set up my second factor", response_model=EnrolmentOut)
    async def enrol(request: Request, body: PasswordIn) -> Response:
        account = await confirm_password(door, origin_of(request), request.state.user, body.password)
        enrolment = await offer(door, account)
        shown = EnrolmentOut(secret=enrolment.secret, uri=enrolment.uri, qr_svg=enrolment.qr_svg)
        return JSONResponse(shown.model_dump(), headers=NOT_STORED)

    @router.post("/totp/confirm", summary="Turn my second factor on", response_model=BackupCodesOut)
    async def confirm(request: Request, body: CodeIn) -> Response:
        async with door.pool.connection() as connection:
            account = await read_account(connection, request.state.user.user_id)
        if account is None:
            raise NotFound("unknown-user", "This account does not exist any more.")
        codes = await confirm_offer(door, origin_of(request), account, body.code)
        return JSONResponse(BackupCodesOut(backup_codes=codes).model_dump(), headers=NOT_STORED)

    @router.post(
        "/totp/backup-codes", summary="Make new backup codes; the earlier ones are void", response_model=BackupCodesOut
    )
    async def renew(request: Request, body: PasswordIn) -> Response:
        origin = origin_of(request)
        account = await confirm_password(door, origin, request.state.user, body.password)
        codes = await renew_codes(door, origin, account)
        return JSONResponse(BackupCodesOut(backup_codes=codes).model_dump(), headers=NOT_STORED)

    @router.post("/totp/disable", summary="Turn my second factor off", status_code=204)
    async def disable(request: Request, body: PasswordIn) -> Response:
        origin = origin_of(request)
        account = await confirm_password(door, origin, request.state.user, body.password)
        await turn_off(door, origin, account)
        return Response(status_code=204)

    return router
