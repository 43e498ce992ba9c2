"""`/settings` and `/discount-caps`: what the chain decides for itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints
from starlette.responses import Response

from api.routes.caller import Caller, may
from api.routes.fields import In, Out, PathKey, Share
from api.services import chain_settings

SettingKey = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
Written = Annotated[str, StringConstraints(max_length=30, pattern=r"^-?[0-9]+(\.[0-9]+)?$")]


class Festival(In):
    """A day of a festival."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    day: dt.date


class SettingOut(Out):
    """A setting: its value, of which kind, and within which bounds."""

    key: str
    value: bool | int | float | list[int | float] | list[Festival] | None = None
    kind: Literal["whole", "amount", "share", "switch", "amounts", "days"]
    lowest: int | None = None
    highest: int | None = None
    description: str
    updated_at: dt.datetime | None = None


class SettingList(Out):
    """Every setting, by key."""

    items: list[SettingOut]


Bounds = Annotated[list[StrictInt | StrictFloat], Field(min_length=1, max_length=50)]
Festivals = Annotated[list[Festival], Field(max_length=500)]


class SettingIn(In):
    """Another value."""

    value: StrictBool | StrictInt | StrictFloat | Written | Bounds | Festivals | None


class CapOut(Out):
    """The largest discount a role may give on a class of products without asking."""

    discount_cap_id: int
    role: str
    discount_class: str
    cap_share: Decimal
    updated_at: dt.datetime


class CapList(Out):
    """Every cap, by role and class."""

    items: list[CapOut]


class CapIn(In):
    """Another cap."""

    cap_share: Share


def create_router() -> APIRouter:
    """The routes of settings."""
    router = APIRouter(tags=["settings"])

    @router.get("/settings", summary="Settings", response_model=SettingList)
    async def browse(caller: Annotated[Caller, Depends(may("settings:read"))]) -> Response:
        return await caller.read(chain_settings.list_settings)

    @router.get("/settings/{key}", summary="One setting", response_model=SettingOut)
    async def show(caller: Annotated[Caller, Depends(may("settings:read"))], key: SettingKey) -> Response:
        return await caller.read(chain_settings.show_setting, key)

    @router.patch("/settings/{key}", summary="Change a setting", response_model=SettingOut)
    async def change(
        caller: Annotated[Caller, Depends(may("settings:write"))], key: SettingKey, body: SettingIn
    ) -> Response:
        value: Any = body.model_dump(mode="json")["value"]
        services = chain_settings
        return await caller.change(services.show_setting, services.LOCK, key, services.change_setting, value)

    @router.get("/discount-caps", summary="Discount caps", response_model=CapList)
    async def browse_caps(caller: Annotated[Caller, Depends(may("settings:read"))]) -> Response:
        return await caller.read(chain_settings.list_caps)

    @router.get("/discount-caps/{discount_cap_id}", summary="One discount cap", response_model=CapOut)
    async def show_cap(caller: Annotated[Caller, Depends(may("settings:read"))], discount_cap_id: PathKey) -> Response:
        return await caller.read(chain_settings.show_cap, discount_cap_id)

    @router.patch("/discount-caps/{discount_cap_id}", summary="Change a discount cap", response_model=CapOut)
    async def change_cap(
        caller: Annotated[Caller, Depends(may("settings:write"))], discount_cap_id: PathKey, body: CapIn
    ) -> Response:
        services = chain_settings
        return await caller.change(
            services.show_cap, services.LOCK_CAP, discount_cap_id, services.change_cap, body.cap_share
        )

    return router
