"""Errors as `application/problem+json` (RFC 9457): the one shape of every error of the API."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.services.connections import DATABASE_ERRORS

logger = logging.getLogger("ims.web")


class Problem(Exception):
    """A refusal that a route raises: status, a stable code, a sentence, and members that help a program."""

    def __init__(self, status: int, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.members = status, code, detail, members


def problem(status: int, code: str, detail: str, *, retry_after: int | None = None, **members: Any) -> JSONResponse:
    """The answer for one problem; `code` is stable, `detail` is for people."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "type": f"urn:ims:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def answer_problems(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem(error.status, error.code, error.detail, **error.members)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = [{"where": ".".join(map(str, fault["loc"])), "rule": fault["msg"]} for fault in error.errors()]
        return problem(422, "invalid-request", "The request does not follow the API's description.", faults=faults)

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, f"http-{error.status_code}", str(error.detail))

    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        logger.warning("PostgreSQL does not answer", extra={"error": str(error)})
        return problem(503, "database-unavailable", "PostgreSQL does not answer; try again shortly.", retry_after=5)

    async def failed(request: Request, error: Exception) -> JSONResponse:
        logger.error("request failed", exc_info=error, extra={"path": request.url.path})
        return problem(500, "internal", "This request failed inside IMS; the log says why.")

    app.add_exception_handler(Problem, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, unavailable)
    app.add_exception_handler(Exception, failed)
