"""Writing the audit log: events are recorded as the last statement of the transaction they belong to.

The database chains and dates them (`ims_record_audit`); the kinds are in `audit_kinds.toml`; reading is `audit_search`.
"""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import psycopg

from api.services.audit_kinds import Severity, kind_of

HIDDEN = "…"
RECORD = b"SELECT ims_record_audit(%s::jsonb)"
LONGEST = 500  # characters of a name, an agent, an id: the log is evidence, no store for what a client likes to send
NO_ONES = frozenset({"purpose", "channel", "status", "state", "version"})  # say nothing about a person


@dataclass(frozen=True)
class Event:
    """What happened, by whom, to what. Without a severity it has that of its kind; an unknown kind raises."""

    kind: str
    entity_type: str | None = None
    entity_id: str | None = None
    user_id: int | None = None
    username: str | None = None
    roles: Sequence[str] = ()
    store_id: int | None = None
    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    severity: Severity | str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        kind_of(self.kind)


async def record(connection: psycopg.AsyncConnection[Any], events: Sequence[Event]) -> None:
    """Append the events, in this order, to one chain. It stays locked until the commit: record last, then commit."""
    if events:
        await connection.execute(RECORD, (_write(events),))


def record_now(connection: psycopg.Connection[Any], events: Sequence[Event]) -> None:
    """`record` for the command line."""
    if events:
        connection.execute(RECORD, (_write(events),))


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], personal: AbstractSet[str] = frozenset()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members that differ, before and after; values of the `personal` ones are hidden, so erasure stays possible.

    >>> changes({"name": "Asha", "city": "Pune"}, {"name": "Usha", "city": "Pune"}, frozenset({"name"}))
    ({'name': '…'}, {'name': '…'})
    """
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]

    def select(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: HIDDEN if name in personal else row[name] for name in names if name in row}

    return select(before), select(after)


def _write(events: Sequence[Event]) -> str:
    return json.dumps([_describe(event) for event in events], ensure_ascii=False)


def _describe(event: Event) -> dict[str, Any]:
    kind = kind_of(event.kind)
    return {
        "kind": event.kind,
        "severity": event.severity or kind.severity,
        "entity_type": event.entity_type,
        "entity_id": _short(event.entity_id),
        "user_id": event.user_id,
        "username": _short(event.username),
        "roles": [_plain(role) for role in event.roles],
        "store_id": event.store_id,
        "address": _address(event.address),
        "user_agent": _short(event.user_agent),
        "request_id": _short(event.request_id),
        "before": _reduce(event.before, kind.is_personal),
        "after": _reduce(event.after, kind.is_personal),
    }


def _reduce(row: Mapping[str, Any] | None, is_personal: bool) -> dict[str, Any] | None:
    if row is None:
        return None
    if not is_personal:
        return {str(name): _plain(value) for name, value in row.items()}
    return {str(name): _plain(value) if _is_no_ones(name, value) else HIDDEN for name, value in row.items()}


def _is_no_ones(name: str, value: Any) -> bool:
    return value is None or isinstance(value, bool) or name.endswith("_id") or name in NO_ONES


def _plain(value: Any) -> Any:
    """The value as JSON that PostgreSQL accepts: no NUL, no half of a surrogate pair, no infinity."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value.replace("\x00", "�").encode("utf-8", "replace").decode()
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {_plain(str(name)): _plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
    return _plain(str(value))


def _short(text: str | None) -> str | None:
    return None if text is None else str(_plain(text))[:LONGEST]


def _address(text: str | None) -> str | None:
    """The address without its zone; None for what is no address, as the peer of a Unix socket."""
    try:
        return None if text is None else str(ipaddress.ip_address(text.split("%")[0]))
    except ValueError:
        return None
