"""Signing in and out: the only routes that hand out, or take back, a session cookie."""

from __future__ import annotations

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.identity.accounts import Account, read_account
from api.identity.door import Door
from api.identity.enrolling import confirm_offer, offer
from api.identity.journal import note
from api.identity.origin import local_path, origin_of
from api.identity.password_changes import refuse_difference, refuse_weak, store_password
from api.identity.principal import Origin
from api.identity.sessions import cookie_name, end_sessions, hash_token
from api.identity.signing_in import WrongCode, begin_session, check_password, check_second_factor, wrong_credentials
from api.identity.steps import Step, next_step, seal, unseal
from api.refusals import Invalid, Refusal, TooMany
from api.routes import account_page, reset_page
from api.routes.page_route import PageRoute
from api.routes.pages import sign_in_page, sign_out_page
from api.routes.step_pages import backup_codes_page, code_page, enrol_page, new_password_page


def create_router(door: Door) -> APIRouter:
    """The routes `/sign-in` and `/sign-out`."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)
    sends_mail = door.settings.smtp_url is not None
    router.include_router(account_page.create_router(door))
    router.include_router(reset_page.create_router(door))

    @router.get("/sign-in")
    async def show(next: str = "/") -> Response:
        return sign_in_page(local_path(next), sends_mail=sends_mail)

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        username: str = Form("", max_length=1024),
        password: str = Form("", max_length=1024),
        code: str = Form("", max_length=1024),
        again: str | None = Form(None, max_length=1024),
        step: str = Form("", max_length=1024),
        next: str = Form("/"),
    ) -> Response:
        target, origin = local_path(next), origin_of(request)
        try:
            if step:
                return await _go_on(request, origin, step, target, code, (password, again))
            account = await check_password(door, origin, username, password)
            return await _ask_or_let_in(request, account, target, is_code_given=False)
        except Refusal as refused:
            name = username.strip()[:200]
            page = sign_in_page(target, name, refused.detail, refused.status, sends_mail=sends_mail)
            return _refused(page, refused)

    async def _ask_or_let_in(request: Request, account: Account, target: str, *, is_code_given: bool) -> Response:
        """The page of what is still to do, else the session."""
        needs_factor = bool(account.roles & door.settings.require_totp_roles)
        due = next_step(account, needs_factor, is_code_given=is_code_given)
        if due is None:
            return await let_in(door, request, account, RedirectResponse(target, status_code=303))
        sealed = seal(door.step_vault, due, account)
        if due == "code":
            return code_page(sealed, target)
        if due == "new-password":
            return new_password_page("/sign-in", "step", sealed, next_path=target)
        return enrol_page(await offer(door, account), "/sign-in", {"step": sealed, "next": target})

    async def _go_on(
        request: Request, origin: Origin, sealed: str, target: str, code: str, new: tuple[str, str | None]
    ) -> Response:
        """The second or later form: what it carries says which, and for whom."""
        step = unseal(door.step_vault, sealed)
        account = None if step is None else await _account(step)
        if step is None or account is None:
            fault = "That took too long, or the account changed. Start again."
            return sign_in_page(target, fault=fault, status=401, sends_mail=sends_mail)
        try:
            if step.purpose == "new-password":
                refuse_difference(*new)
                await refuse_weak(door, new[0], account.username)
                await store_password(door, origin, account, new[0], "password.changed")
                renewed = await _read(account.user_id)
                return await _ask_or_let_in(request, renewed, target, is_code_given=True)
            if step.purpose == "code":
                await check_second_factor(door, origin, account, code)
                return await _ask_or_let_in(request, account, target, is_code_given=True)
            codes = await confirm_offer(door, origin, account, code)
            return await let_in(door, request, account, backup_codes_page(codes, target))
        except (WrongCode, Invalid, TooMany) as refused:
            return _refused(await _again(step, account, sealed, target, refused), refused)

    async def _again(step: Step, account: Account, sealed: str, target: str, refused: Refusal) -> Response:
        if step.purpose == "new-password":
            return new_password_page("/sign-in", "step", sealed, refused.detail, refused.status, target)
        if step.purpose == "code":
            return code_page(sealed, target, refused.detail, refused.status)
        hidden = {"step": sealed, "next": target}
        return enrol_page(await offer(door, account), "/sign-in", hidden, refused.detail, refused.status)

    async def _account(step: Step) -> Account | None:
        account = await _read(step.user_id)
        return account if step.is_of(account) else None

    async def _read(user_id: int) -> Account:
        async with door.pool.connection() as connection:
            account = await read_account(connection, user_id)
        if account is None:
            raise wrong_credentials()
        return account

    @router.get("/sign-out")
    async def ask(request: Request) -> Response:
        return sign_out_page(request.state.user.username)

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        user = request.state.user
        async with door.pool.connection() as connection, connection.transaction():
            await end_sessions(connection, user.user_id, "signed out", only=user.session_id)
            await note(connection, "session.closed", origin_of(request), user, session_id=user.session_id)
        door.directory.drop(session_id=user.session_id)
        is_secure = request.url.scheme == "https"
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(cookie_name(is_secure), path="/", secure=is_secure, httponly=True, samesite="lax")
        response.headers["Clear-Site-Data"] = '"storage"'  # what pages kept in the browser ends with the session
        return response

    return router


async def let_in(door: Door, request: Request, account: Account, response: Response) -> Response:
    """Begin the session and give its cookie with the response; the one this browser had, if any, ends."""
    is_secure = request.url.scheme == "https"
    name = cookie_name(is_secure)
    before = request.cookies.get(name)
    known = await door.directory.find(hash_token(before)) if before else None
    replaces = known.session_id if known is not None and known.user_id == account.user_id else None
    _, token = await begin_session(door, origin_of(request), account, replaces=replaces)
    if replaces is not None:
        door.directory.drop(session_id=replaces)
    seconds = door.settings.session_hours * 3600
    response.set_cookie(name, token, seconds, path="/", httponly=True, samesite="lax", secure=is_secure)
    return response


def _refused(page: Response, refused: Refusal) -> Response:
    wait = refused.members.get("retry_after")
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page
