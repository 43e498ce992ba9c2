"""`/users`: who may sign in, with which roles and stores; their sessions and how they get in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, nobody_in_the_address, paging
from api.routes.fields import In, Key, Out, PathKey, Share, Text
from api.routes.vendors import Email
from api.services import users, users_access, users_roles
from api.services.action import Action, Row
from api.services.paging import Paging

Role = Literal["superadmin", "admin", "buyer", "manager", "accountant", "analyst", "staff"]
Username = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[\w.@+-]+$")]
Stores = Annotated[list[Key], Field(max_length=1000)]
Permission = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_]+:[a-z_]+$")]


class UserOut(Out):
    """A user. `grants` are permissions given beside the roles."""

    user_id: int
    username: str
    full_name: str | None = None
    email: str | None = None
    is_active: bool
    discount_cap: Decimal | None = None
    must_change_password: bool
    is_locked: bool
    has_second_factor: bool
    roles: list[Role]
    grants: list[str]
    store_ids: list[int]
    primary_store_id: int | None = None
    updated_at: dt.datetime


class UserPage(Out):
    """Users, the newest first."""

    items: list[UserOut]
    next_cursor: str | None = None


class UserIn(In):
    """A user to add; roles are given afterwards. With an address they are mailed a link to set their password."""

    username: Username
    full_name: Text | None = None
    email: Email | None = None
    discount_cap: Share | None = None
    store_ids: Stores = Field(default_factory=list)
    primary_store_id: Key | None = None


class UserChange(In):
    """What may change; members left out stay."""

    full_name: Text | None = None
    email: Email | None = None
    is_active: bool | None = None
    discount_cap: Share | None = None
    store_ids: Stores | None = None
    primary_store_id: Key | None = None


class UserSearch(In):
    """Who is sought: in the body, so that no name lies in an address."""

    q: Text = Field(description="A part of the user name or full name.")


class RolesIn(In):
    """All roles and grants of a user, in place of those they have."""

    roles: Annotated[list[Role], Field(max_length=7)]
    grants: Annotated[list[Permission], Field(max_length=50)] = Field(default_factory=list)


class TemporaryOut(Out):
    """A password that is told this once, and must be changed at the first sign-in."""

    user_id: int
    temporary_password: str


class UserSessionOut(Out):
    """An open session."""

    session_id: int
    kind: Literal["browser", "api"]
    created_at: dt.datetime
    last_seen_at: dt.datetime | None = None
    expires_at: dt.datetime
    address: str | None = None
    user_agent: str | None = None


class UserSessionList(Out):
    """Open sessions, the newest first."""

    items: list[UserSessionOut]


def create_router() -> APIRouter:
    """The routes of users."""
    router = APIRouter(prefix="/users", tags=["users"])
    _people(router)
    _access(router)
    return router


def _people(router: APIRouter) -> None:
    @router.get("", summary="Users", response_model=UserPage, dependencies=[Depends(nobody_in_the_address)])
    async def browse(
        caller: Annotated[Caller, Depends(may("user:read"))],
        page: Annotated[Paging, Depends(paging)],
        role: Role | None = None,
        is_active: bool | None = None,
    ) -> Response:
        return await caller.read(users.list_users, page, role=role, is_active=is_active)

    @router.post("/search", summary="Users that match", response_model=UserPage)
    async def search(
        caller: Annotated[Caller, Depends(may("user:read"))],
        page: Annotated[Paging, Depends(paging)],
        body: UserSearch,
        role: Role | None = None,
        is_active: bool | None = None,
    ) -> Response:
        return await caller.read(users.list_users, page, q=body.q, role=role, is_active=is_active)

    @router.post("", summary="Add a user", status_code=201, response_model=UserOut)
    async def create(caller: Annotated[Caller, Depends(creating("user:write"))], body: UserIn) -> Response:
        return await caller.create(users.create_user, body.model_dump())

    @router.get("/{user_id}", summary="One user", response_model=UserOut)
    async def show(caller: Annotated[Caller, Depends(may("user:read"))], user_id: PathKey) -> Response:
        return await caller.read(users.show_user, user_id)

    @router.patch("/{user_id}", summary="Change a user", response_model=UserOut)
    async def change(
        caller: Annotated[Caller, Depends(may("user:write"))], user_id: PathKey, body: UserChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(users.show_user, users.LOCK, user_id, users.change_user, changes)

    @router.put("/{user_id}/roles", summary="Give roles and grants", response_model=UserOut)
    async def assign(
        caller: Annotated[Caller, Depends(may("role:assign"))], user_id: PathKey, body: RolesIn
    ) -> Response:
        given: tuple[Any, ...] = (body.roles, body.grants)
        return await caller.change(users.show_user, users.LOCK, user_id, users_roles.assign_roles, *given)


def _access(router: APIRouter) -> None:
    @router.post("/{user_id}/password-reset", summary="Mail a link to set a password", status_code=204)
    async def reset(caller: Annotated[Caller, Depends(may("user:write"))], user_id: PathKey) -> Response:
        return await caller.write(_send_reset, user_id)

    @router.post("/{user_id}/temporary-password", summary="Give a password, told once", response_model=TemporaryOut)
    async def temporary(caller: Annotated[Caller, Depends(may("user:write"))], user_id: PathKey) -> Response:
        answer = await caller.write(_set_temporary, user_id)
        answer.headers["Cache-Control"] = "no-store"
        del answer.headers["ETag"]
        return answer

    @router.post("/{user_id}/unlock", summary="Open a locked account", status_code=204)
    async def unlock(caller: Annotated[Caller, Depends(may("user:write"))], user_id: PathKey) -> Response:
        return await caller.write(_unlock, user_id)

    @router.get("/{user_id}/sessions", summary="Open sessions of a user", response_model=UserSessionList)
    async def sessions(caller: Annotated[Caller, Depends(may("user:read"))], user_id: PathKey) -> Response:
        return await caller.read(_list_sessions, user_id)

    @router.delete("/{user_id}/sessions", summary="End all sessions of a user", status_code=204)
    async def end_all(caller: Annotated[Caller, Depends(may("session:revoke"))], user_id: PathKey) -> Response:
        return await caller.write(_revoke, user_id)

    @router.delete("/{user_id}/sessions/{session_id}", summary="End one session of a user", status_code=204)
    async def end_one(
        caller: Annotated[Caller, Depends(may("session:revoke"))], user_id: PathKey, session_id: PathKey
    ) -> Response:
        return await caller.write(_revoke, user_id, session_id)


async def _send_reset(action: Action, user_id: int) -> None:
    await users_access.send_reset(action, await users.lock_user(action, user_id))


async def _set_temporary(action: Action, user_id: int) -> Row:
    return await users_access.set_temporary_password(action, await users.lock_user(action, user_id))


async def _unlock(action: Action, user_id: int) -> None:
    await users_access.unlock(action, await users.lock_user(action, user_id))


async def _list_sessions(action: Action, user_id: int) -> Row:
    await users.show_user(action, user_id)
    return await users_access.list_open_sessions(action, user_id)


async def _revoke(action: Action, user_id: int, session_id: int | None = None) -> None:
    await users_access.revoke_sessions(action, await users.lock_user(action, user_id), session_id)
