"""Suggestions as stored rows: written by a publication, revived by a rollback, listed for people and files.

Reads and writes `suggestions`. What to order is the policy's business; deciding on a suggestion is a service's.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Executable, Select, and_, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from api.database import create_engine
from api.schema.masters import Product, Store, Vendor
from api.schema.planning import Publication, PublicationPointer, Suggestion

DAYS_TO_DECIDE = 7  # where the chain's settings say nothing else
DAYS = "SELECT (value #>> '{}')::integer FROM chain_settings WHERE key = 'suggestion_days_to_decide'"
DECIDED = ("approved", "edited", "refused", "ordered", "received")
Row = dict[str, Any]

PLANNED = """
CREATE TEMP TABLE planned (
    kind text, store_code text, sku text, vendor_code text, source_store_code text, on_hand integer, on_order integer,
    suggested_qty integer, order_by date, arrives_on date, covers_until date, expected_demand double precision,
    demand_p50 double precision, demand_p90 double precision, reason text, priority numeric, receipt jsonb
) ON COMMIT DROP
"""
FIGURES: tuple[str, ...] = ("on_hand", "on_order", "suggested_qty", "order_by", "arrives_on", "covers_until")
FIGURES += ("expected_demand", "demand_p50", "demand_p90", "reason", "priority")
DECISION: tuple[str, ...] = ("expires_on", "replaces_id", "approved_qty", "decided_qty", "decision_code")
DECISION += ("decided_by", "decided_at", "decision_note")
PLANNED_COLUMNS = ("kind", "store_code", "sku", "vendor_code", "source_store_code", *FIGURES, "receipt")
# A pair that someone has decided for this day is not asked about again on that day. Neither is one whose order was
# approved while the run was at work: the run has not seen it as on order.
INSERT = f"""
WITH run AS (SELECT started_at FROM runs JOIN publications USING (run_id) WHERE publication_id = :publication_id),
decided AS (
    SELECT DISTINCT store_id, product_id, kind FROM suggestions, run
    WHERE (as_of = :as_of AND state IN {DECIDED!r})
        OR (state IN ('approved', 'edited', 'ordered') AND updated_at >= run.started_at)
)
INSERT INTO suggestions (
    publication_id, as_of, expires_on, kind, store_id, product_id, vendor_id, source_store_id, replaces_id,
    on_hand, on_order, suggested_qty, order_by, arrives_on, covers_until, expected_demand, demand_p50, demand_p90,
    reason, priority, receipt
)
SELECT :publication_id, :as_of, :expires_on, planned.kind, stores.store_id, products.product_id, vendors.vendor_id,
    source.store_id, replaced.suggestion_id, on_hand, on_order, suggested_qty, order_by, arrives_on, covers_until,
    expected_demand, demand_p50, demand_p90, reason, priority, receipt
FROM planned
JOIN stores USING (store_code)
JOIN products USING (sku)
LEFT JOIN vendors USING (vendor_code)
LEFT JOIN replaced ON (replaced.store_id, replaced.product_id, replaced.kind)
    = (stores.store_id, products.product_id, planned.kind)
LEFT JOIN decided ON (decided.store_id, decided.product_id, decided.kind)
    = (stores.store_id, products.product_id, planned.kind)
LEFT JOIN stores AS source ON source.store_code = planned.source_store_code
WHERE decided.kind IS NULL
ORDER BY priority DESC, stores.store_id, products.product_id
"""


@dataclass(frozen=True)
class SuggestionCounts:
    """What a publication did to the suggestions: proposed anew, expired undecided, left out as decided that day."""

    proposed: int
    expired: int
    decided: int


def write_suggestions(
    connection: Connection, plan: Iterable[Mapping[str, Any]], publication_id: int, as_of: dt.date
) -> SuggestionCounts:
    """Propose the plan's rows with a quantity, in the caller's transaction; what was still proposed expires.

    `plan` rows have the columns of the plan frame (kind defaults to purchase). A pair decided for this day is left
    out, so a second run never adds quantity. Raises ValueError when a row names an unknown store or sku.
    """
    wanted = [row for row in plan if row["suggested_qty"] > 0]
    _stage(connection, wanted)
    connection.execute(
        text(
            "CREATE TEMP TABLE replaced ON COMMIT DROP AS "
            "SELECT suggestion_id, store_id, product_id, kind FROM suggestions WHERE state = 'proposed' FOR UPDATE"
        )
    )
    expired = connection.execute(text("UPDATE suggestions SET state = 'expired' WHERE state = 'proposed'")).rowcount
    days = connection.execute(text(DAYS)).scalar() or DAYS_TO_DECIDE
    values = {"publication_id": publication_id, "as_of": as_of, "expires_on": as_of + dt.timedelta(days=days)}
    proposed = connection.execute(text(INSERT), values).rowcount
    unknown = connection.execute(
        text(
            "SELECT store_code, sku FROM planned LEFT JOIN stores USING (store_code) LEFT JOIN products USING (sku) "
            "WHERE store_id IS NULL OR product_id IS NULL LIMIT 1"
        )
    ).one_or_none()
    if unknown is not None:
        raise ValueError(f"the plan names store {unknown[0]} and sku {unknown[1]}, which the operational side lacks")
    connection.execute(text("DROP TABLE planned, replaced"))
    return SuggestionCounts(proposed, expired, len(wanted) - proposed)


def revive_suggestions(connection: Connection, publication_id: int) -> int:
    """Propose a publication's undecided suggestions again, in place of what is proposed now; how many."""
    mine = Suggestion.publication_id == publication_id
    other = aliased(Suggestion)
    is_decided = exists().where(
        other.as_of == Suggestion.as_of,
        other.store_id == Suggestion.store_id,
        other.product_id == Suggestion.product_id,
        other.kind == Suggestion.kind,
        other.state.in_(DECIDED),
    )
    connection.execute(update(Suggestion).where(Suggestion.state == "proposed", ~mine).values(state="expired"))
    undecided = and_(mine, Suggestion.state == "expired", Suggestion.decided_at.is_(None), ~is_decided)
    revived = connection.execute(
        update(Suggestion).where(undecided).values(state="proposed").returning(Suggestion.suggestion_id)
    )
    return len(revived.all())


def list_suggestions(
    source: str | Connection,
    *,
    stores: Collection[str] | None,
    store: str | None = None,
    category: str | None = None,
    states: Collection[str] | None = None,
    publication_id: int | None = None,
    kind: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """Suggestions of a publication (default: the served one), the most money at stake first; see select_suggestions."""
    statement = select_suggestions(stores, store, category, states, publication_id, kind)
    return _read(source, statement.limit(limit).offset(offset))


def find_suggestion(source: str | Connection, suggestion_id: int, *, stores: Collection[str] | None) -> Row | None:
    """One suggestion with its receipt; None when it does not exist or lies outside the scope."""
    statement = select_suggestion(suggestion_id)
    if stores is not None:
        statement = statement.where(Store.store_code.in_(stores))
    rows = _read(source, statement)
    return rows[0] if rows else None


def select_suggestion(suggestion_id: int) -> Select[Any]:
    """The statement for one suggestion with its receipt."""
    return _select(Suggestion.receipt).where(Suggestion.suggestion_id == suggestion_id)


def select_suggestions(
    stores: Collection[str] | None,
    store: str | None = None,
    category: str | None = None,
    states: Collection[str] | None = None,
    publication_id: int | None = None,
    kind: str | None = None,
) -> Select[Any]:
    """The statement behind list_suggestions, one row per (store, sku, kind), for callers with their own connection.

    `stores` is the scope of who asks: None is every store, an empty collection none. What was decided for the
    publication's day belongs to it, even when an earlier run of that day proposed it.
    """
    served = select(PublicationPointer.publication_id).scalar_subquery()
    wanted = served if publication_id is None else publication_id
    day = select(Publication.as_of).where(Publication.publication_id == wanted).scalar_subquery()
    decided = Suggestion.state.in_(DECIDED)
    one = (
        select(Suggestion.suggestion_id)
        .ext(distinct_on(Suggestion.store_id, Suggestion.product_id, Suggestion.kind))
        .where(or_(Suggestion.publication_id == wanted, and_(Suggestion.as_of == day, decided)))
        .order_by(
            Suggestion.store_id,
            Suggestion.product_id,
            Suggestion.kind,
            decided.desc(),
            Suggestion.suggestion_id.desc(),
        )
    )
    statement = _select().where(Suggestion.suggestion_id.in_(one))
    if stores is not None:
        statement = statement.where(Store.store_code.in_(stores))
    if store is not None:
        statement = statement.where(Store.store_code == store)
    if category is not None:
        statement = statement.where(Product.category == category)
    if states is not None:
        statement = statement.where(Suggestion.state.in_(states))
    if kind is not None:
        statement = statement.where(Suggestion.kind == kind)
    return statement.order_by(Suggestion.priority.desc(), Suggestion.suggestion_id)


def _select(*more: Any) -> Select[Any]:
    origin = aliased(Store)
    identity = ("as_of", "suggestion_id", "publication_id", "state", "kind")
    return (
        select(
            *(getattr(Suggestion, name) for name in identity),
            Store.store_code,
            Store.name.label("store_name"),
            Product.sku,
            Product.name.label("product_name"),
            Product.category,
            Vendor.vendor_code,
            Vendor.name.label("vendor_name"),
            origin.store_code.label("source_store_code"),
            *(getattr(Suggestion, name) for name in (*FIGURES, *DECISION)),
            *more,
        )
        .join(Store, Store.store_id == Suggestion.store_id)
        .join(Product, Product.product_id == Suggestion.product_id)
        .outerjoin(Vendor, Vendor.vendor_id == Suggestion.vendor_id)
        .outerjoin(origin, origin.store_id == Suggestion.source_store_id)
    )


def _stage(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    connection.execute(text(PLANNED))
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(f"COPY planned ({', '.join(PLANNED_COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            values = {"kind": "purchase", "source_store_code": None, **row}
            if not isinstance(values["receipt"], str):
                values["receipt"] = json.dumps(values["receipt"])
            copy.write_row([values[name] for name in PLANNED_COLUMNS])


def _read(source: str | Connection, statement: Executable) -> list[Row]:
    if isinstance(source, Connection):
        return [dict(row) for row in source.execute(statement).mappings()]
    engine = create_engine(source)
    try:
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]
    finally:
        engine.dispose()
