"""What HTTP expects of every address: HEAD where there is GET, OPTIONS, 405 with Allow, a problem for the unknown.

Also which answers are compressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Match, Mount

from api.routes.problems import Problem, problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVERYTHING = "/api/{path:path}"
PLAIN = ("/health", "/ready", "/metrics", "/sign-in", "/sign-out", "/account", "/forgot-password", "/reset-password")
SECRETS = ("/api/v1/tokens", "/api/v1/password-resets", "/api/v1/account")
WORTH_BYTES = 1024
LEVEL = 5


def answer_the_rest(app: FastAPI) -> None:
    """Answer every address under /api that no route before has answered."""

    async def rest(request: Request, path: str) -> Response:
        allowed = _allowed(app, request)
        if not allowed:
            raise Problem(404, "unknown-route", "There is no such address; /api/v1/openapi.json lists what there is.")
        allow = {"Allow": ", ".join(allowed)}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=allow)
        answer = problem(405, "method-not-allowed", f"This address takes {allow['Allow']}.")
        answer.headers.update(allow)
        return answer

    app.add_api_route(EVERYTHING, rest, methods=[*METHODS, "OPTIONS"], include_in_schema=False)


def _allowed(app: FastAPI, request: Request) -> list[str]:
    probe = {"type": "http", "path": request.scope["path"], "headers": [], "root_path": "", "app": app}
    routes = [
        route
        for route in app.router.routes
        if not isinstance(route, Mount) and getattr(route, "path", None) != EVERYTHING
    ]
    keyed: dict[str, bool] = {}
    for method in METHODS:
        for route in routes:
            match, child = route.matches({**probe, "method": method})
            if match is Match.FULL:
                keyed[method] = bool(child.get("path_params"))
                break
    # /expenses/categories is no expense, although /expenses/{expense_id} looks like it and takes more methods
    found = [method for method in keyed if not keyed[method]] or list(keyed)
    return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"] if found else []


class Heads:
    """HEAD as GET without the body, for what is ours; Streamlit answers its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, as GET where it was HEAD."""
        is_ours = scope["type"] == "http" and (scope["path"].startswith("/api/") or scope["path"] in PLAIN)
        if not is_ours or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["method"] = "HEAD"  # the server looks, to send a length without a body
            elif message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, head)
        finally:
            scope["method"] = "HEAD"


class Compression:
    """gzip for data above 1 KiB; not where a secret and what a caller typed share an answer: its length would tell."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.zipped = GZipMiddleware(app, minimum_size=WORTH_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, compressed or as it is."""
        path = scope.get("path", "")
        is_data = path == "/metrics" or (path.startswith("/api/") and not path.startswith(SECRETS))
        await (self.zipped if is_data else self.app)(scope, receive, send)
