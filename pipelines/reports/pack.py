"""The pack of figures of a period for one person: made of the published snapshot, by what the policy lets them see.

The one place that knows what of it is shown to whom; the files (paper, workbook) draw what they are given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg

from api.alerts import list_alerts
from api.identity.principal import SignedIn
from api.identity.scope import Scope, stores_of
from api.publications import Published
from api.services.report_reach import ALERTS, SUGGESTIONS
from api.suggestions import list_suggestions
from pipelines.handouts.taking import describe
from pipelines.reports.figures import Line, Number, Period, read_sections, read_stores
from warehouse.catalogue import Metric
from warehouse.formats import format_day
from warehouse.scope import Scope as FigureScope
from warehouse.transactions import reading
from warehouse.wording import reason_in_words

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases

TITLES = {"daily": "Figures of the day", "weekly": "Figures of the week", "monthly": "Figures of the month"}
MOST_SUGGESTIONS, MOST_ALERTS = 10, 5


@dataclass(frozen=True)
class Pack:
    """What is told: figures by section, stores, the orders and alerts with the most at stake, the passport."""

    title: str
    period: Period
    currency: str
    sections: Mapping[str, Sequence[Line]]
    columns: Sequence[Metric]
    stores: pl.DataFrame
    suggestions: Sequence[Mapping[str, Any]]
    alerts: Sequence[Mapping[str, Any]]
    passport: Mapping[str, str]
    notes: Sequence[str]


def make_pack(
    con: duckdb.DuckDBPyConnection,
    databases: Databases,
    published: Published,
    period: Period,
    user: SignedIn,
    scope: Scope,
) -> Pack:
    """The pack for the user; `con` is pinned to what is published, `scope` is `scope_of_pack`."""
    asked = FigureScope(scope.store_codes, scope.sees_cost, scope.reports, scope.own)
    cursor = reading(con)
    try:
        sections = read_sections(cursor, period, asked)
        columns, stores = read_stores(cursor, period, asked)
    finally:
        cursor.close()
    title = TITLES[period.cadence]
    passport = describe(databases, published, title, user.username, scope)
    return Pack(
        title=title,
        period=period,
        currency=passport["Currency"],
        sections=sections,
        columns=columns,
        stores=stores,
        suggestions=_suggestions(databases.operational, published, user, scope),
        alerts=_alerts(databases.operational, published, user, scope),
        passport={"Pack": title, "Period": period.words, **passport},
        notes=_notes(published.checks, period, scope),
    )


def change(line: Line, other: Number | None) -> tuple[str, int]:
    """How far the figure is from another time's, in words, and whether that is good (1), bad (-1) or neither (0).

    Worked: 110 after 100 of a figure that shall rise: `+10.0 %`, 1; a share of .24 after .25: `-1.0 points`, -1.
    """
    if line.value is None or other is None:
        return "", 0
    now, then = float(line.value), float(other)
    if line.metric.unit == "share":
        moved, unit = round((now - then) * 100, 1), "points"
    elif then == 0:
        return "", 0
    else:
        moved, unit = round((now / then - 1) * 100, 1), "%"
    sign = (moved > 0) - (moved < 0)
    return f"{moved + 0:+.1f} {unit}", {"up": sign, "down": -sign}.get(line.metric.better, 0)


def _suggestions(source: str, published: Published, user: SignedIn, scope: Scope) -> list[dict[str, Any]]:
    """The open suggestions with the most money at stake; a store that goods come from is not named."""
    if not user.grants.allows(SUGGESTIONS):
        return []
    stores = scope.within(stores_of(user, SUGGESTIONS)).store_codes
    rows = list_suggestions(
        source,
        stores=stores,
        states=("proposed",),
        publication_id=published.publication_id,
        limit=MOST_SUGGESTIONS,
    )
    return [
        {
            "store": row["store_code"],
            "sku": row["sku"],
            "product": row["product_name"],
            "kind": "Order" if row["kind"] == "purchase" else "Move here",
            "quantity": row["suggested_qty"],
            "order_by": row["order_by"],
            "why": reason_in_words(row["reason"]),
            "at_stake": float(row["priority"]),
        }
        for row in rows
    ]


def _alerts(source: str, published: Published, user: SignedIn, scope: Scope) -> list[dict[str, Any]]:
    """The open alerts with the most sales at stake, as Today ranks them; of the chain for who reaches every store."""
    if not user.grants.allows(ALERTS):
        return []
    stores = scope.within(stores_of(user, ALERTS)).store_codes
    with psycopg.connect(source) as connection:
        rows = list_alerts(connection, published.as_of, stores=stores, limit=MOST_ALERTS)
    return [
        {
            "store": row["store_code"] or "the chain",
            "what": row["title"],
            "detail": row["detail"],
            "since": row["first_on"],
            "at_stake": float(row["at_stake_amount"]),
        }
        for row in rows
    ]


def _notes(checks: Mapping[str, Any], period: Period, scope: Scope) -> list[str]:
    """Days of these stores that are left out of every figure."""
    days = [
        (day["store"], dt.date.fromisoformat(day["day"]))
        for day in checks.get("held_back", {}).get("store_days", [])
        if scope.allows(day["store"])
    ]
    named = [f"{store} on {format_day(day)}" for store, day in days if period.begin <= day <= period.end]
    if not named:
        return []
    return [f"Left out, because the sales of the day are missing or came twice: {', '.join(named)}."]
