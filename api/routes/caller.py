"""Who calls a route, with which permission: checks it, runs services in a transaction, writes the answer.

`may("order:read")` and `creating("order:create")` are the dependencies that every route under /api/v1 declares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg
from fastapi import Header, Query, Request
from starlette.responses import Response

from api.identity.origin import SAFE_METHODS, origin_of
from api.identity.policy import permissions
from api.identity.principal import Origin, Reach, SignedIn, reach_of
from api.refusals import Conflict, Invalid, NotPermitted, PreconditionFailed
from api.routes.answers import answer, matches, write_json
from api.services import idempotency, transactions
from api.services.action import Action
from api.services.connections import Pool
from api.services.paging import Paging, decode

Service = Callable[..., Awaitable[Any]]
KEY_HELP = "Names this request: sent again with the same body it gives the same answer and does nothing twice."
KEY_PATTERN = r"^[\x21-\x7e]{8,100}$"
FIELDS_PATTERN = r"^[a-z_]+(,[a-z_]+)*$"
IdempotencyKey = Annotated[str, Header(description=KEY_HELP, min_length=8, max_length=100, pattern=KEY_PATTERN)]
Fields = Annotated[
    str | None, Query(description="Only these members, by comma.", max_length=500, pattern=FIELDS_PATTERN)
]


@dataclass(frozen=True)
class Caller:
    """The user behind a request, as far as one permission reaches."""

    pool: Pool
    user: SignedIn
    origin: Origin
    permission: str
    reach: Reach
    if_match: str | None = None
    none_match: str | None = None
    fields: tuple[str, ...] | None = None
    key: str | None = None
    request_hash: bytes = b""

    async def read(self, service: Service, *arguments: Any, **named: Any) -> Response:
        """Answer with what a reading service gives."""

        async def work(action: Action) -> Any:
            return await service(action, *arguments, **named)

        value = await self._guarded(transactions.read(self.pool, self._begin, work))
        return answer(self._write(value), none_match=self.none_match)

    async def write(self, service: Service, *arguments: Any, status: int = 200, **named: Any) -> Response:
        """Answer with what a writing service gives, in one transaction. None gives 204."""

        async def work(action: Action) -> Any:
            return await service(action, *arguments, **named)

        value = await self._guarded(transactions.write(self.pool, self._begin, work))
        return Response(status_code=204) if value is None else answer(self._write(value), status=status)

    async def change(self, show: Service, lock: str, key: int | str, service: Service, *arguments: Any) -> Response:
        """`write` for a record that `show` reads: with an If-Match header, only while the record is as it names.

        `lock` is the SELECT … FOR UPDATE of the record by %(key)s, taken before it is compared.
        """

        async def work(action: Action) -> Any:
            if self.if_match is not None:
                await action.row(lock, key=key)
                current = self._write(await show(action, key), whole=True)
                if not matches(self.if_match, current):
                    raise PreconditionFailed(
                        "changed-meanwhile", "The record changed since you read it; read it again."
                    )
            return await service(action, key, *arguments)

        return answer(self._write(await self._guarded(transactions.write(self.pool, self._begin, work))))

    async def create(self, service: Service, *arguments: Any, status: int = 201, **named: Any) -> Response:
        """`write` once for each Idempotency-Key: the answer is kept in the same transaction and given again."""
        assert self.key is not None, "a route that creates depends on creating(…)"
        key = self.key

        async def work(action: Action) -> tuple[int, bytes, bool]:
            kept = await idempotency.find(action, key)
            if kept is not None:
                if kept.request_hash != self.request_hash:
                    raise Conflict("key-reused", "This Idempotency-Key was used for another request; make a new one.")
                return kept.status, kept.content, True
            content = self._write(await service(action, *arguments, **named))
            await idempotency.keep(action, key, self.request_hash, status, content)
            return status, content, False

        given, content, is_again = await self._guarded(transactions.write(self.pool, self._begin, work))
        response = answer(content, status=given)
        if is_again:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    def _begin(self, connection: psycopg.AsyncConnection[Any]) -> Action:
        return Action(connection, self.user, self.origin, self.permission, self.reach)

    def _write(self, value: Any, *, whole: bool = False) -> bytes:
        sees_cost = self.user.grants.allows("cost:read")
        return write_json(value, sees_cost=sees_cost, fields=None if whole else self.fields)

    async def _guarded(self, work: Awaitable[Any]) -> Any:
        try:
            return await work
        except NotPermitted as refusal:
            await self.note_denied(refusal.code, refusal.members.get("store_id"))
            raise

    async def note_denied(self, code: str, store_id: int | None = None) -> None:
        """Leave a trace of what was refused: the request's own transaction is undone."""
        detail = {"permission": self.permission, "code": code}

        def note(action: Action) -> None:
            action.note("access.denied", "permission", self.permission, store_id=store_id, after=detail)

        await transactions.note_alone(self.pool, self._begin, note)


class Permit:
    """What a route demands of its caller: the permission, refused with 403 to whoever does not hold it."""

    def __init__(self, permission: str) -> None:
        self.permission = permissions()[permission].name

    async def identify(self, request: Request, fields: str | None, key: str | None = None) -> Caller:
        """The caller, with what the request's headers say."""
        user: SignedIn = request.state.user
        reach = reach_of(user, self.permission)
        headers = request.headers
        caller = Caller(
            pool=request.app.state.pool,
            user=user,
            origin=origin_of(request),
            permission=self.permission,
            reach=reach or Reach(frozenset()),
            if_match=headers.get("if-match"),
            none_match=headers.get("if-none-match") if request.method in SAFE_METHODS else None,
            fields=tuple(fields.split(",")) if fields else None,
            key=key,
            request_hash=await _hash(request) if key is not None else b"",
        )
        if reach is None:
            await caller.note_denied("not-permitted")
            raise NotPermitted(
                "not-permitted", f"Your account may not do this; it needs {self.permission}.", needs=self.permission
            )
        return caller


class may(Permit):  # noqa: N801  (reads as a sentence in a route: Depends(may("order:read")))
    """The dependency of a route that needs a permission; gives its Caller, or refuses with 403."""

    async def __call__(self, request: Request, fields: Fields = None) -> Caller:
        """The caller of this request."""
        return await self.identify(request, fields)


class creating(Permit):  # noqa: N801
    """`may` for a POST that creates: it must carry an Idempotency-Key."""

    async def __call__(self, request: Request, idempotency_key: IdempotencyKey, fields: Fields = None) -> Caller:
        """The caller of this request."""
        return await self.identify(request, fields, idempotency_key)


async def paging(
    limit: Annotated[int, Query(ge=1, le=200, description="Rows of a page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=512, pattern=r"^[A-Za-z0-9_-]*$", description="`next_cursor` of the page before.")
    ] = None,
) -> Paging:
    """The page that a list's caller wants."""
    return Paging(limit, decode(cursor) if cursor else None)


async def nobody_in_the_address(q: Annotated[str | None, Query(include_in_schema=False)] = None) -> None:
    """The dependency of lists of people: who is sought goes in a body, since addresses are logged on the way.

    Raises Invalid, lest `q` were passed over and the whole list taken for what was found.
    """
    if q is not None:
        raise Invalid("search-by-post", "People are searched by POST: send q in the body to this address with /search.")


async def _hash(request: Request) -> bytes:
    target = f"{request.method} {request.url.path}?{request.url.query}\n"
    return hashlib.sha256(target.encode() + await request.body()).digest()
