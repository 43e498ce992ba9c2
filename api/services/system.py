"""Services run by IMS itself, from the command line or at night: nobody is signed in, the audit trail names the job."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import psycopg

from api.identity.principal import Origin, Reach, SignedIn
from api.services.action import Action
from api.services.audit import record

Result = TypeVar("Result")


async def act_alone(
    url: str, name: str, permission: str, work: Callable[..., Awaitable[Result]], *arguments: Any
) -> Result:
    """Run a service with every store in reach, in one transaction with its audit trail, as the owner of the tables."""
    nobody = SignedIn(0, name, frozenset({"superadmin"}), 0, dt.datetime.max.replace(tzinfo=dt.UTC))
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.transaction():
        action = Action(connection, nobody, Origin("system"), permission, Reach(None))
        result = await work(action, *arguments)
        await record(connection, [replace(event, user_id=None, roles=()) for event in action.events])
    return result
