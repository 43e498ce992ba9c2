"""What the API offers: every operation with the permission it asks for. Read by the documentation and by tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from api.routes.caller import Permit, creating


@dataclass(frozen=True)
class Operation:
    """A method on a path. Without a permission it is about the caller's own account, or open."""

    method: str
    path: str
    summary: str
    tag: str
    permission: str | None
    is_creating: bool


def operations(app: FastAPI) -> list[Operation]:
    """Every documented operation, in the order of the description."""
    described = app.openapi()["paths"]
    permits = {(method, route.path): permit_of(route) for route in routes_of(app) for method in route.methods}
    found = []
    for path, methods in described.items():
        for method, entry in methods.items():
            permit = permits.get((method.upper(), path))
            found.append(
                Operation(
                    method.upper(),
                    path,
                    entry.get("summary", ""),
                    (entry.get("tags") or ["operation"])[0],
                    permit.permission if permit else None,
                    isinstance(permit, creating),
                )
            )
    return found


def routes_of(app: FastAPI) -> Iterator[Any]:
    """The routes with their full paths, those of included routers among them."""
    for route in app.routes:
        inner = getattr(route, "effective_route_contexts", None)
        for each in [route] if inner is None else inner():
            if hasattr(each, "dependant"):
                yield each


def permit_of(route: Any) -> Permit | None:
    """What the route demands of its caller; None when it names no permission."""
    return _permit(route.dependant)


def _permit(dependant: Any) -> Permit | None:
    if isinstance(dependant.call, Permit):
        return dependant.call
    return next((found for each in dependant.dependencies if (found := _permit(each))), None)
