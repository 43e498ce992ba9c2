"""Errors as `application/problem+json` (RFC 9457): the one shape of every error of the API."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException

from api.refusals import Refusal
from api.services.connections import DATABASE_ERRORS
from api.services.observations import BUSINESS
from api.services.redaction import explain

# what the database itself refuses: the rules of the chain are constraints, and some only it can check
REFUSED_BY_DATABASE: dict[type[psycopg.Error], tuple[int, str, str]] = {
    psycopg.errors.UniqueViolation: (409, "already-exists", "Something with this key exists already."),
    psycopg.errors.ExclusionViolation: (409, "overlaps", "Something valid at the same time exists already."),
    psycopg.errors.ForeignKeyViolation: (422, "unknown-reference", "The request names something that does not exist."),
    psycopg.errors.CheckViolation: (422, "rule-broken", "The request breaks a rule of the chain."),
    psycopg.errors.NotNullViolation: (422, "rule-broken", "The request leaves out what must be given."),
    psycopg.errors.DataError: (422, "out-of-range", "A value of the request is outside what can be kept."),
    psycopg.errors.RaiseException: (409, "not-allowed-now", "The state of the record does not allow this."),
    psycopg.errors.InsufficientPrivilege: (403, "store-out-of-scope", "Your account does not cover this record."),
}
logger = logging.getLogger("ims.web")


class Problem(Exception):
    """A refusal that a route raises: status, a stable code, a sentence, and members that help a program."""

    def __init__(self, status: int, code: str, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.members = status, code, detail, members


def problem(status: int, code: str, detail: str, *, retry_after: int | None = None, **members: Any) -> JSONResponse:
    """The answer for one problem; `code` is stable, `detail` is for people."""
    BUSINESS.refuse(code)
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


def without_database(error: Exception, has_database: bool) -> JSONResponse:
    """The answer where no connection was had: to a server that answers others, too many wait."""
    if isinstance(error, TooManyRequests) or (isinstance(error, PoolTimeout) and has_database):
        return problem(503, "overloaded", "More is asked than can be answered now; try again.", retry_after=1)
    logger.warning("PostgreSQL does not answer", extra={"error": explain(error)})
    return problem(503, "database-unavailable", "PostgreSQL does not answer; try again shortly.", retry_after=5)


def answer_problems(app: FastAPI, has_database: Callable[[], bool]) -> None:
    """Make every error of the application a problem; `has_database` says whether PostgreSQL is there."""

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return problem(error.status, error.code, error.detail, **error.members)

    async def declined(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refusal)
        members = dict(error.members)
        if error.faults:
            members["faults"] = [{"where": fault.where, "rule": fault.rule} for fault in error.faults]
        return problem(error.status, error.code, error.detail, retry_after=members.pop("retry_after", None), **members)

    async def forbidden_by_database(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, psycopg.Error)
        status, code, detail = next(
            REFUSED_BY_DATABASE[kind] for kind in type(error).__mro__ if kind in REFUSED_BY_DATABASE
        )
        rule = error.diag.constraint_name
        logger.info("refused by the database", extra={"code": code, "rule": rule, "table": error.diag.table_name})
        members: dict[str, Any] = {"rule": rule} if rule else {}
        return problem(status, code, detail, **members)

    async def too_slow(_: Request, error: Exception) -> JSONResponse:
        logger.warning("a statement was cancelled", extra={"error": explain(error)})
        return problem(503, "too-slow", "The database took too long; ask for less, or try again.", retry_after=5)

    async def read_only(_: Request, error: Exception) -> JSONResponse:
        logger.info("a write was refused: read-only", extra={"error": explain(error)})
        return problem(
            503, "read-only", "IMS is read-only for now: reading goes on, nothing is written.", retry_after=60
        )

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        broken = [fault for fault in error.errors() if fault["type"] == "json_invalid"]
        if broken:
            return problem(
                400, "malformed-json", f"The body is no JSON; it breaks at character {broken[0]['loc'][-1]}."
            )
        faults = [{"where": ".".join(map(str, fault["loc"])), "rule": fault["msg"]} for fault in error.errors()]
        return problem(422, "invalid-request", "The request does not follow the API's description.", faults=faults)

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        answer = problem(error.status_code, f"http-{error.status_code}", str(error.detail))
        answer.headers.update(error.headers or {})  # Allow of a 405
        return answer

    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return without_database(error, has_database())

    async def failed(_: Request, error: Exception) -> JSONResponse:
        logger.error("request failed", exc_info=error)
        return problem(500, "internal", "This request failed inside IMS; the log says why.")

    app.add_exception_handler(Problem, refused)
    app.add_exception_handler(Refusal, declined)
    for refusal in REFUSED_BY_DATABASE:
        app.add_exception_handler(refusal, forbidden_by_database)
    app.add_exception_handler(psycopg.errors.QueryCanceled, too_slow)
    app.add_exception_handler(psycopg.errors.ReadOnlySqlTransaction, read_only)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, unavailable)
    app.add_exception_handler(Exception, failed)
