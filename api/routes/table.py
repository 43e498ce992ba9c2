"""Finds a route by looking it up: the routers ask one pattern after the other, twice, which grows with every resource.

Stands before them in the application's list of routes and holds copies; what it does not find (another method, a path
that nobody serves) goes on to the routers, which also describe the API.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, compile_path

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Pattern = tuple[str | None, ...]


class RouteTable(BaseRoute):
    """Routes by the segments of their paths, None where a segment is a parameter; literal segments go first."""

    def __init__(self) -> None:
        self._routes: dict[Pattern, list[APIRoute]] = {}
        self._shapes: dict[int, list[tuple[bool, ...]]] = {}

    def add(self, router: APIRouter, prefix: str = "") -> None:
        """Look up the routes of this router, too, as it is included under `prefix`."""
        for route in router.routes:
            if isinstance(route, APIRoute):
                self._add(route, prefix)

    def _add(self, route: APIRoute, prefix: str) -> None:
        path = prefix + route.path
        segments = [None if part.startswith("{") else part for part in path.split("/")]
        if any("{" in part or ":" in part for part in path.split("/") if not _is_parameter(part)):
            return  # a parameter within a segment, or of several segments: left to the router
        found = copy.copy(route)
        found.path = path
        found.path_regex, found.path_format, found.param_convertors = compile_path(path)
        self._routes.setdefault(tuple(segments), []).append(found)
        shapes = self._shapes.setdefault(len(segments), [])
        shape = tuple(segment is None for segment in segments)
        if shape not in shapes:
            shapes.append(shape)
            shapes.sort()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Starlette's question."""
        if scope["type"] != "http" or scope.get("root_path"):
            return Match.NONE, {}
        segments = scope["path"].split("/")
        for shape in self._shapes.get(len(segments), ()):
            key = tuple(None if is_open else part for part, is_open in zip(segments, shape, strict=True))
            for route in self._routes.get(key, ()):
                match, child = route.matches(scope)
                if match is Match.FULL:
                    return match, child
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's word to go on: the route itself does."""
        await scope["route"].handle(scope, receive, send)


def _is_parameter(part: str) -> bool:
    return part.startswith("{") and part.endswith("}") and part.count("{") == 1 and ":" not in part
