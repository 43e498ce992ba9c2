"""The record of a file that left: a row of `data_exports`, which nobody changes, and an audit event. Writes no file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from api.identity.policy import highest
from api.identity.principal import Origin, SignedIn
from api.services.audit import Event, record_now

INSERT = """
    INSERT INTO data_exports (kind, format, requested_by, role, scope, row_count, checksum)
    VALUES (%(kind)s, %(format)s, %(user)s, %(role)s, %(scope)s, %(rows)s, %(checksum)s)
"""
RETURNING = INSERT + " RETURNING data_export_id"


@dataclass(frozen=True)
class Taken:
    """A file as it was given: what of (suggestions, sales), csv or xlsx, of which scope, its rows and its bytes."""

    kind: str
    form: str
    scope: Mapping[str, Any]
    row_count: int
    content: bytes


def describe(user: SignedIn, taken: Taken) -> dict[str, Any]:
    """The parameters of INSERT."""
    return {
        "kind": taken.kind,
        "format": taken.form,
        "user": user.user_id,
        "role": highest(user.roles) or "none",
        "scope": Jsonb(dict(taken.scope)),
        "rows": taken.row_count,
        "checksum": hashlib.sha256(taken.content).hexdigest(),
    }


def record_export(connection: psycopg.Connection[Any], user: SignedIn, origin: Origin, taken: Taken) -> int:
    """Record a file without personal data, in the caller's transaction; its id. Without the record, give no file."""
    row = connection.execute(RETURNING, describe(user, taken)).fetchone()
    assert row is not None
    event = Event(
        kind="data.exported",
        entity_type="data_export",
        entity_id=str(row[0]),
        user_id=user.user_id,
        username=user.username,
        roles=tuple(sorted(user.roles)),
        address=origin.address,
        user_agent=origin.user_agent,
        request_id=origin.request_id,
        after={"kind": taken.kind, "format": taken.form, "rows": taken.row_count, **taken.scope},
    )
    record_now(connection, [event])
    return int(row[0])
