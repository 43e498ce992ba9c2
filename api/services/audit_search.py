"""Reading the audit log, the newest first; without the right to all of it, the kinds about money alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from api.refusals import Fault, Invalid
from api.services.action import Action
from api.services.audit_kinds import kinds
from api.services.paging import Page, Paging, as_moment

COLUMNS = """
    at, audit_id, chain_no, chain_seq, encode(hash, 'hex') AS hash, request_id, user_id, username, roles, store_id,
    host(address) AS address, user_agent, kind, severity, entity_type, entity_id, before, after
"""
CONDITIONS = {
    "kinds": "kind = ANY(%(kinds)s)",
    "severity": "severity = %(severity)s",
    "user_id": "user_id = %(user_id)s",
    "store_id": "store_id = %(store_id)s",
    "entity_type": "entity_type = %(entity_type)s",
    "entity_id": "entity_id = %(entity_id)s",
    "request_id": "request_id = %(request_id)s",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
    "after_id": "(at, audit_id) < (%(after_at)s, %(after_id)s)",
}


@dataclass(frozen=True)
class Filter:
    """Which events are wanted; None wants any. `since` is included, `until` is not."""

    kinds: Collection[str] | None = None
    severity: str | None = None
    user_id: int | None = None
    store_id: int | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    request_id: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


async def search(action: Action, wanted: Filter, paging: Paging) -> Page:
    """Events that match, as far as the caller may see them."""
    values: dict[str, Any] = {name: value for name, value in vars(wanted).items() if value is not None}
    if not action.can("audit:read"):
        asked = wanted.kinds if wanted.kinds is not None else kinds()
        values["kinds"] = [name for name in asked if name in kinds() and kinds()[name].is_money]
    elif wanted.kinds is not None:
        values["kinds"] = list(wanted.kinds)
    if paging.after is not None:
        values["after_at"], values["after_id"] = _position(paging.after)
    conditions = " AND ".join(CONDITIONS[name] for name in values if name in CONDITIONS)
    where = f"WHERE {conditions}" if conditions else ""
    rows = await action.rows(
        f"SELECT {COLUMNS} FROM audit_log {where} ORDER BY at DESC, audit_id DESC LIMIT %(limit)s",
        **values,
        limit=paging.fetch,
    )
    return paging.page(rows, ("at", "audit_id"))


def _position(key: tuple[Any, ...]) -> tuple[dt.datetime, int]:
    if len(key) != 2 or not isinstance(key[1], int):
        rule = "was not made by this list; start without one"
        raise Invalid("invalid-cursor", f"This cursor {rule}.", Fault("cursor", rule))
    return as_moment(key[0]), key[1]
