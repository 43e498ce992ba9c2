"""One request, one transaction: opened with the user's reach set for row-level security, closed with its audit trail.

A deadlock or a serialisation failure is tried again from the start; what a client was told is committed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import psycopg

from api.identity.principal import Reach
from api.services.action import Action
from api.services.audit import record
from api.services.connections import Pool
from api.services.observations import BUSINESS
from api.services.outbox import enqueue
from api.services.tracing import span
from ims.settings import get_settings

Result = TypeVar("Result")
Work = Callable[[Action], Awaitable[Result]]
Blank = Callable[[psycopg.AsyncConnection[Any]], Action]

SET_REACH = b"SELECT set_config('ims.store_ids', %s, true), set_config('ims.user_id', %s, true)"
TRIES = 5
KEY_TAKEN = "pk_idempotency_keys"


async def read(pool: Pool, begin: Blank, work: Work[Result]) -> Result:
    """Run a service that only reads. Its statements travel in one pipeline, which is one transaction by itself."""
    with span("read"):
        async with pool.connection() as connection, connection.pipeline():
            action = begin(connection)
            await _set_reach(action)
            return await work(action)


async def write(pool: Pool, begin: Blank, work: Work[Result], *, is_trace: bool = False) -> Result:
    """Run a service that writes; its audit events and messages are committed with it, or nothing is.

    Where IMS is read-only PostgreSQL itself refuses what the service would write, all but a trace (`note_alone`).
    """
    is_read_only = get_settings().read_only and not is_trace
    for attempt in range(1, TRIES + 1):
        try:
            with span("write"):
                async with pool.connection() as connection, connection.transaction():
                    if is_read_only:
                        await connection.execute(b"SET TRANSACTION READ ONLY")
                    action = begin(connection)
                    await _set_reach(action)
                    result = await work(action)
                    await _close(action)
            for event in action.events:
                BUSINESS.count(event.kind)
            return result
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            if attempt == TRIES:
                raise
        except psycopg.errors.UniqueViolation as error:
            # the same request was at work elsewhere and has won: the next try finds its answer
            if error.diag.constraint_name != KEY_TAKEN or attempt == TRIES:
                raise
        await asyncio.sleep(random.uniform(0.005, 0.05) * attempt)  # nosec B311
    raise AssertionError("unreachable: the last try returns or raises")


async def note_alone(pool: Pool, begin: Blank, note: Callable[[Action], None]) -> None:
    """Record an event of a request that was refused: its own transaction was undone."""

    async def work(action: Action) -> None:
        note(action)

    await write(pool, begin, work, is_trace=True)


async def widen(action: Action) -> Action:
    """The same action with every store in reach, for the few services whose task spans stores.

    Row-level security follows; whoever calls this has checked the stores by hand.
    """
    wide = replace(action, reach=Reach(None, action.reach.own_records))
    await _set_reach(wide)
    return wide


async def _set_reach(action: Action) -> None:
    stores = action.reach.store_ids
    text = "*" if stores is None else "{" + ",".join(map(str, sorted(stores))) + "}"
    await action.connection.execute(SET_REACH, (text, str(action.user.user_id)))


async def _close(action: Action) -> None:
    for topic, recipient, payload in action.messages:
        await enqueue(action.connection, topic, recipient, payload)
    if action.events:
        # last, because it holds the lock of one audit chain until the commit
        await record(action.connection, action.events)
