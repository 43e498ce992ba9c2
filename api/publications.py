"""Publications and the pointer among them: what is served, what was, publishing and going back.

Reads and writes `publications` and `publication_pointer`. Knows a lake snapshot only by its number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.database import create_engine
from api.schema.planning import Publication, PublicationPointer
from api.suggestions import revive_suggestions
from ims.failure import WrongInput

COLUMNS = Publication.__table__.columns


class NeverPublished(WrongInput):
    """The snapshot asked for was never published; the message lists those that were."""


@dataclass(frozen=True)
class Published:
    """The passport of a published snapshot: what every figure and every exported file carries."""

    publication_id: int
    snapshot_id: int
    run_id: str
    as_of: dt.date
    data_as_of: dt.date
    fingerprint: str
    checks: dict[str, Any]
    metric_version: str
    notes: list[str]
    published_at: dt.datetime


def select_current() -> Select[Any]:
    """The statement for the served publication: no row before the first, else one."""
    pointed = PublicationPointer.publication_id == Publication.publication_id
    return select(*COLUMNS).join(PublicationPointer, pointed)


def current_publication(source: str | Connection) -> Published | None:
    """What is served now; None before the first publication. `source`: a libpq URL or an open connection."""
    rows = _read(source, select_current())
    return rows[0] if rows else None


def history(source: str | Connection, limit: int = 50) -> list[Published]:
    """The publications, newest first."""
    return _read(source, select(*COLUMNS).order_by(Publication.publication_id.desc()).limit(limit))


def publication_of(source: str | Connection, as_of: dt.date) -> Published | None:
    """The newest publication of a day; None when that day never was published."""
    newest = select(*COLUMNS).where(Publication.as_of == as_of).order_by(Publication.publication_id.desc()).limit(1)
    rows = _read(source, newest)
    return rows[0] if rows else None


def publish(
    connection: Connection,
    *,
    run_id: str,
    snapshot_id: int,
    as_of: dt.date,
    data_as_of: dt.date,
    fingerprint: str,
    checks: Mapping[str, Any],
    metric_version: str,
    notes: Sequence[str],
    moved_by: str,
) -> int:
    """Record a snapshot as published and point at it, in the caller's transaction; gives publication_id."""
    statement = (
        insert(Publication)
        .values(
            run_id=run_id,
            snapshot_id=snapshot_id,
            as_of=as_of,
            data_as_of=data_as_of,
            fingerprint=fingerprint,
            checks=dict(checks),
            metric_version=metric_version,
            notes=list(notes),
        )
        .returning(Publication.publication_id)
    )
    publication_id = int(connection.execute(statement).scalar_one())
    _point(connection, publication_id, moved_by)
    return publication_id


def rollback(url: str, snapshot_id: int, moved_by: str) -> Published:
    """Serve an earlier publication again, its undecided suggestions with it. Raises NeverPublished."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            known = history(connection, limit=1000)
            target = next((row for row in known if row.snapshot_id == snapshot_id), None)
            if target is None:
                published = ", ".join(dict.fromkeys(str(row.snapshot_id) for row in known[:20])) or "none yet"
                raise NeverPublished(
                    f"Snapshot {snapshot_id} was never published, so it cannot be served. Published: {published}. "
                    "`ims publish list` shows them."
                )
            _point(connection, target.publication_id, moved_by)
            revive_suggestions(connection, target.publication_id)
            return target
    finally:
        engine.dispose()


def _point(connection: Connection, publication_id: int, moved_by: str) -> None:
    values = {"publication_id": publication_id, "moved_by": moved_by, "moved_at": dt.datetime.now(dt.UTC)}
    statement = upsert(PublicationPointer).values(pointer_id=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["pointer_id"], set_=values))


def _read(source: str | Connection, statement: Select[Any]) -> list[Published]:
    if isinstance(source, Connection):
        return [_published(row) for row in source.execute(statement)]
    engine = create_engine(source)
    try:
        with engine.connect() as connection:
            return [_published(row) for row in connection.execute(statement)]
    finally:
        engine.dispose()


def _published(row: Row[Any]) -> Published:
    found = Published(**row._mapping)
    return replace(found, published_at=found.published_at.astimezone(dt.UTC))
