"""The page `/account`: who I am, my password, my second factor, where I am signed in. Plain forms, one for each act."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.identity.accounts import Account, read_account
from api.identity.door import Door
from api.identity.ending import end_other_sessions, end_own_session, sign_in_again
from api.identity.enrolling import confirm_offer, offer, renew_codes, turn_off
from api.identity.origin import origin_of
from api.identity.password_changes import change_password, refuse_difference
from api.identity.second_factor import count_backup_codes
from api.identity.sessions import list_sessions
from api.identity.signing_in import confirm_password, wrong_credentials
from api.refusals import Refusal
from api.routes.account_sections import Part, Shown, account_page
from api.routes.fields import LARGEST_KEY
from api.routes.page_route import PageRoute
from api.routes.step_pages import backup_codes_page, enrol_page

PATH = "/account"
FACTOR = f"{PATH}/second-factor"
PLACE = """
SELECT ARRAY(SELECT store_code || ' · ' || name FROM stores WHERE store_id = ANY(%s) ORDER BY 1),
    (SELECT timezone FROM chain)
"""


def create_router(door: Door) -> APIRouter:
    """The page and its forms; a browser signs in first, as for every page."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get(PATH)
    async def show(request: Request, done: str = "") -> Response:
        return await _page(request, done=done)

    @router.get("/second-factor")
    async def moved() -> Response:
        return RedirectResponse(f"{PATH}#second-factor", status_code=303)

    @router.post(f"{PATH}/password")
    async def change(
        request: Request,
        current: str = Form("", max_length=1024),
        password: str = Form("", max_length=1024),
        again: str = Form("", max_length=1024),
    ) -> Response:
        try:
            refuse_difference(password, again)
            await change_password(door, origin_of(request), request.state.user, current, password)
        except Refusal as refused:
            return await _page(request, part="password", refused=refused)
        return _done("password")

    @router.post(FACTOR)
    async def act(
        request: Request,
        action: str = Form("", max_length=20),
        password: str = Form("", max_length=1024),
        code: str = Form("", max_length=1024),
    ) -> Response:
        origin, account = origin_of(request), await _account(request)
        try:
            if action == "confirm":
                return backup_codes_page(await confirm_offer(door, origin, account, code), PATH)
            account = await confirm_password(door, origin, request.state.user, password)
            if action == "renew":
                return backup_codes_page(await renew_codes(door, origin, account), PATH, is_renewed=True)
            if action == "disable":
                await turn_off(door, origin, account)
                return _done("second-factor-off")
            return enrol_page(await offer(door, account), FACTOR, {"action": "confirm"})
        except Refusal as refused:
            if action == "confirm" and not account.has_totp:
                hidden = {"action": "confirm"}
                return enrol_page(await offer(door, account), FACTOR, hidden, refused.detail, refused.status)
            return await _page(request, part="second-factor", refused=refused)

    @router.post(f"{PATH}/sessions")
    async def end(
        request: Request, session_id: str = Form("", max_length=20), password: str = Form("", max_length=1024)
    ) -> Response:
        origin, user = origin_of(request), request.state.user
        try:
            await sign_in_again(door, origin, user, password or None)
            if session_id == "others":
                await end_other_sessions(door, origin, user)
                return _done("sessions")
            # what is no key is no session either
            number = int(session_id) if session_id.isdecimal() else 0
            await end_own_session(door, origin, user, number if number <= LARGEST_KEY else 0)
        except Refusal as refused:
            return await _page(request, part="sessions", refused=refused)
        return _done("session")

    async def _page(
        request: Request, *, done: str = "", part: Part | None = None, refused: Refusal | None = None
    ) -> Response:
        user = request.state.user
        async with door.pool.connection() as connection:
            account = await read_account(connection, user.user_id)
            codes_left = await count_backup_codes(connection, user.user_id)
            sessions = await list_sessions(connection, user.user_id)
            place = await (await connection.execute(PLACE, (list(user.store_ids),))).fetchone()
        if account is None or place is None:
            raise wrong_credentials()
        shown = Shown(
            user=user,
            password_changed_at=account.password_changed_at,
            has_totp=account.has_totp,
            codes_left=codes_left,
            needs_totp=bool(account.roles & door.settings.require_totp_roles),
            sessions=sessions,
            stores=place[0],
            timezone=place[1] or "UTC",
        )
        page = account_page(shown, done, part, refused.detail if refused else None, refused.status if refused else 200)
        if refused is not None and "retry_after" in refused.members:
            page.headers["Retry-After"] = str(refused.members["retry_after"])
        return page

    async def _account(request: Request) -> Account:
        async with door.pool.connection() as connection:
            account = await read_account(connection, request.state.user.user_id)
        if account is None:
            raise wrong_credentials()
        return account

    return router


def _done(what: str) -> Response:
    return RedirectResponse(f"{PATH}?done={what}", status_code=303)
