"""Routes that people see: what goes wrong is a page, not a problem document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.refusals import Refusal
from api.routes.pages import message_page, unavailable_page
from api.services.connections import DATABASE_ERRORS

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """Give it to a router as `route_class`."""

    def get_route_handler(self) -> Handler:
        """The route's own handler, with a page for what it raises."""
        handle = super().get_route_handler()

        async def show(request: Request) -> Response:
            try:
                return await handle(request)
            except DATABASE_ERRORS:
                return unavailable_page()
            except Refusal as refused:
                return message_page(refused.status, "That was not done", refused.detail)
            except RequestValidationError:
                text = "The form was not filled in as this page asks. Go back and try again."
                return message_page(422, "That was not understood", text)

        return show
