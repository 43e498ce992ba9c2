"""The page `/second-factor`: setting it up with a QR code, turning it off."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from api.identity.accounts import Account, read_account
from api.identity.door import Door
from api.identity.enrolling import confirm_offer, offer, turn_off
from api.identity.origin import origin_of
from api.identity.signing_in import confirm_password, wrong_credentials
from api.refusals import Refusal
from api.routes.step_pages import backup_codes_page, enrol_page, second_factor_page

PATH = "/second-factor"


def create_router(door: Door) -> APIRouter:
    """The page and its forms; a browser signs in first, as for every page."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def show(request: Request) -> Response:
        return second_factor_page((await _account(request)).has_totp)

    @router.post(PATH)
    async def act(
        request: Request,
        action: str = Form("", max_length=20),
        password: str = Form("", max_length=1024),
        code: str = Form("", max_length=1024),
    ) -> Response:
        origin, account = origin_of(request), await _account(request)
        try:
            if action == "confirm":
                return backup_codes_page(await confirm_offer(door, origin, account, code), "/")
            account = await confirm_password(door, origin, request.state.user, password)
            if action == "disable":
                await turn_off(door, origin, account)
                return second_factor_page(is_on=False)
            return enrol_page(await offer(door, account), PATH, {"action": "confirm"})
        except Refusal as refused:
            if action == "confirm" and not account.has_totp:
                hidden = {"action": "confirm"}
                return enrol_page(await offer(door, account), PATH, hidden, refused.detail, refused.status)
            return second_factor_page(account.has_totp, refused.detail, refused.status)

    async def _account(request: Request) -> Account:
        async with door.pool.connection() as connection:
            account = await read_account(connection, request.state.user.user_id)
        if account is None:
            raise wrong_credentials()
        return account

    return router
