"""What identity writes to the audit trail: who tried, who got in, what ended. One place, one shape."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Protocol

import psycopg

from api.identity.principal import Origin
from api.services.audit import Event, record
from api.services.audit_kinds import kind_of
from api.services.observations import BUSINESS

logger = logging.getLogger("ims.web")
MOST_A_MINUTE = 10
MOST_ADDRESSES = 10_000


class Who(Protocol):
    """Whoever an event is about: an account, a signed-in user, the owner of a token."""

    @property
    def user_id(self) -> int: ...

    @property
    def username(self) -> str: ...

    @property
    def roles(self) -> frozenset[str]: ...


async def note(
    connection: psycopg.AsyncConnection[Any],
    kind: str,
    origin: Origin,
    who: Who | None = None,
    *,
    session_id: int | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write one event on this connection, as the last of its transaction, and say it in the log; no secret in it.

    The entity is the session where one is given, else the user; the user name of an unknown account is not kept,
    because people type passwords into that field.
    """
    user_id = None if who is None else who.user_id
    entity_type, entity_id = ("user", user_id) if session_id is None else ("session", session_id)
    event = Event(
        kind=kind,
        entity_type=entity_type,
        entity_id=None if entity_id is None else str(entity_id),
        user_id=user_id,
        username=None if who is None else who.username,
        roles=() if who is None else tuple(sorted(who.roles)),
        address=origin.address,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        after=after,
    )
    await record(connection, [event])
    BUSINESS.count(kind)
    level = logging.INFO if kind_of(kind).severity == "info" else logging.WARNING
    logger.log(level, kind, extra={"request_id": origin.request_id, "user_id": user_id, "address": origin.address})


class Throttle:
    """At most ten events a minute and address: a flood of refusals must not fill the audit trail."""

    def __init__(self) -> None:
        self._began = 0.0
        self._counts: dict[str | None, int] = {}

    def allows(self, address: str | None) -> bool:
        """Whether one more event of this address may be written; counted in this process, anew each minute."""
        now = time.monotonic()
        if now - self._began > 60 or len(self._counts) >= MOST_ADDRESSES:
            self._began, self._counts = now, {}
        self._counts[address] = self._counts.get(address, 0) + 1
        return self._counts[address] <= MOST_A_MINUTE
