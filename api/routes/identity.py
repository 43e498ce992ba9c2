"""The API's routes about oneself: tokens, account, sessions, password resets. None of them needs a permission."""

from __future__ import annotations

from fastapi import APIRouter

from api.identity.door import Door
from api.routes import account, own_sessions, password_resets, tokens


def create_router(door: Door) -> APIRouter:
    """All of them."""
    router = APIRouter()
    for part in (tokens, account, own_sessions, password_resets):
        router.include_router(part.create_router(door))
    return router
