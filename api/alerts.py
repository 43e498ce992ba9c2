"""Alerts as stored rows: raised by a publication, read for people with how each stands, and counted.

Reads and writes `alerts`, reads `alert_actions`. What to raise is the warehouse's business; acting on one a service's.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Literal, cast

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, text

Row = dict[str, Any]
State = Literal["open", "snoozed", "acted", "dismissed"]
MOST_A_DAY = 10  # where the chain's settings say nothing else
WEEKS_COUNTED = 4
RAISED = (
    "alert_ref", "kind", "store_code", "subject", "title", "detail", "severity", "at_stake_amount", "first_on",
    "rank_in_store", "view", "filters",
)  # fmt: skip
STAGE = """
CREATE TEMP TABLE raised (
    alert_ref text, kind text, store_code text, subject text, title text, detail text, severity text,
    at_stake_amount numeric, first_on date, rank_in_store integer, view text, filters jsonb
) ON COMMIT DROP
"""
TODAY = "(now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date"
MOST = "SELECT (value #>> '{}')::integer FROM chain_settings WHERE key = 'alerts_per_store_day'"
# The newest action is how an alert stands; a snoozed one is open again on its day.
LAST = """LEFT JOIN LATERAL (
        SELECT action, until_on, reason, acted_by, acted_at FROM alert_actions AS x
        WHERE x.alert_ref = a.alert_ref ORDER BY x.alert_action_id DESC LIMIT 1) AS l ON TRUE"""
STATE = "CASE WHEN l.action IS NULL OR l.until_on <= {today} THEN 'open' ELSE l.action END"
# What is settled makes room for the next. On its own day it keeps its place, so that a day never shows more than its
# number however often it is run: what a person settled this morning is not replaced this afternoon.
INSERT = f"""
INSERT INTO alerts (publication_id, alert_ref, kind, store_id, subject, title, detail, severity, at_stake_amount,
    first_on, day_on, rank_in_store, is_listed, view, filters)
SELECT :publication_id, a.alert_ref, kind, store_id, subject, title, detail, severity, at_stake_amount, first_on,
    :day_on, rank_in_store,
    takes_a_place AND count(*) FILTER (WHERE takes_a_place) OVER (
        PARTITION BY store_id ORDER BY rank_in_store ROWS UNBOUNDED PRECEDING) <= :most,
    view, filters
FROM (
    SELECT a.*, s.store_id, {STATE.format(today=TODAY)} = 'open' OR EXISTS (
        SELECT FROM alerts AS b WHERE b.alert_ref = a.alert_ref AND b.day_on = :day_on AND b.is_listed
    ) AS takes_a_place
    FROM raised AS a LEFT JOIN stores AS s USING (store_code) {LAST}) AS a
"""
SERVED = "(SELECT publication_id FROM publication_pointer)"
# One row per alert of the served publication, with how it stands
SELECT = f"""
SELECT a.alert_id, a.alert_ref, a.kind, a.severity, s.store_code, s.name AS store_name, a.subject, a.title, a.detail,
    a.at_stake_amount, a.first_on, a.day_on, a.rank_in_store, a.is_listed, a.view, a.filters,
    {STATE.format(today="%(today)s")} AS state, l.until_on, l.reason, u.username AS acted_by, l.acted_at
FROM alerts AS a LEFT JOIN stores AS s USING (store_id) {LAST} LEFT JOIN users AS u ON u.user_id = l.acted_by"""
CHOSEN = f"""a.publication_id = {SERVED} AND a.is_listed = %(is_listed)s
    AND (%(stores)s::text[] IS NULL OR s.store_code = ANY(%(stores)s::text[]))
    AND (%(kind)s::text IS NULL OR a.kind = %(kind)s)
    AND (%(state)s::text IS NULL OR {STATE.format(today="%(today)s")} = %(state)s)"""
LIST = f"{SELECT} WHERE {CHOSEN} ORDER BY a.at_stake_amount DESC, a.alert_id LIMIT %(limit)s"
# One row per kind: what is open now; of the last weeks' how many people were shown, and what they did about them
TOTALS = f"""
WITH now_open AS (
    SELECT a.kind, count(*) FILTER (WHERE a.is_listed AND {STATE.format(today="%(today)s")} = 'open') AS open_count,
        coalesce(sum(a.at_stake_amount) FILTER (
            WHERE a.is_listed AND {STATE.format(today="%(today)s")} = 'open'), 0) AS open_amount,
        count(*) FILTER (WHERE NOT a.is_listed AND {STATE.format(today="%(today)s")} = 'open') AS beyond_count
    FROM alerts AS a LEFT JOIN stores AS s USING (store_id) {LAST}
    WHERE a.publication_id = {SERVED} AND (%(stores)s::text[] IS NULL OR s.store_code = ANY(%(stores)s::text[]))
    GROUP BY a.kind),
shown AS (
    SELECT DISTINCT a.alert_ref, a.kind FROM alerts AS a LEFT JOIN stores AS s USING (store_id)
    WHERE a.day_on > %(since)s AND a.is_listed
        AND (%(stores)s::text[] IS NULL OR s.store_code = ANY(%(stores)s::text[]))),
counted AS (
    SELECT a.kind, count(*) AS shown_count, count(*) FILTER (WHERE l.action = 'acted') AS acted_count,
        count(*) FILTER (WHERE l.action = 'snoozed') AS snoozed_count,
        count(*) FILTER (WHERE l.action = 'dismissed') AS dismissed_count
    FROM shown AS a {LAST} GROUP BY a.kind)
SELECT kind, coalesce(open_count, 0) AS open_count, coalesce(open_amount, 0) AS open_amount,
    coalesce(beyond_count, 0) AS beyond_count, coalesce(shown_count, 0) AS shown_count,
    coalesce(acted_count, 0) AS acted_count, coalesce(snoozed_count, 0) AS snoozed_count,
    coalesce(dismissed_count, 0) AS dismissed_count
FROM now_open FULL JOIN counted USING (kind) ORDER BY open_amount DESC, kind"""


@dataclass(frozen=True)
class KindTotals:
    """Of one kind: open and beyond what a store is shown; of the last weeks, how many were shown, and what became."""

    kind: str
    open_count: int
    open_amount: Decimal
    beyond_count: int
    shown_count: int
    acted_count: int
    snoozed_count: int
    dismissed_count: int

    @property
    def acted_share(self) -> float:
        """Of those shown; 0 where none was."""
        return self.acted_count / self.shown_count if self.shown_count else 0.0

    @property
    def untouched_count(self) -> int:
        """Shown, and nobody did anything about them."""
        return self.shown_count - self.acted_count - self.snoozed_count - self.dismissed_count


def write_alerts(
    connection: Connection, alerts: Iterable[Mapping[str, Any]], publication_id: int, as_of: dt.date
) -> int:
    """Raise a publication's alerts, in the caller's transaction; how many of them are listed.

    `alerts` rows have the columns of outputs.alerts. Raises ValueError when a row names an unknown store.
    """
    connection.execute(text(STAGE))
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with driver.cursor() as cursor, cursor.copy(f"COPY raised ({', '.join(RAISED)}) FROM STDIN") as copy:
        for row in alerts:
            copy.write_row([row[name] for name in RAISED])
    unknown = "SELECT store_code FROM raised LEFT JOIN stores USING (store_code) WHERE store_id IS NULL"
    stranger = connection.execute(text(f"{unknown} AND store_code IS NOT NULL LIMIT 1")).scalar()
    if stranger is not None:
        raise ValueError(f"an alert names store {stranger}, which the operational side lacks")
    most = connection.execute(text(MOST)).scalar() or MOST_A_DAY
    connection.execute(text(INSERT), {"publication_id": publication_id, "day_on": as_of, "most": most})
    connection.execute(text("DROP TABLE raised"))
    listed = "SELECT count(*) FROM alerts WHERE publication_id = :publication_id AND is_listed"
    return int(connection.execute(text(listed), {"publication_id": publication_id}).scalar_one())


def list_alerts(
    connection: psycopg.Connection[Any],
    today: dt.date,
    *,
    stores: Collection[str] | None,
    kind: str | None = None,
    state: State | None = "open",
    is_listed: bool = True,
    limit: int | None = None,
) -> list[Row]:
    """Alerts of the served publication, the most money at stake first. `stores` None: all, and those of the chain."""
    values = {"stores": _listed(stores), "kind": kind, "state": state, "is_listed": is_listed}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LIST.encode(), {**values, "today": today, "limit": limit}).fetchall()


def total_alerts(
    connection: psycopg.Connection[Any], today: dt.date, as_of: dt.date, *, stores: Collection[str] | None
) -> list[KindTotals]:
    """One of each kind that is open now or was shown in the four weeks before `as_of`."""
    values = {"stores": _listed(stores), "today": today, "since": as_of - dt.timedelta(weeks=WEEKS_COUNTED)}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [KindTotals(**row) for row in cursor.execute(TOTALS.encode(), values).fetchall()]


def add_up(totals: Iterable[KindTotals]) -> KindTotals:
    """All of them together, as a kind named `all`."""
    rows = list(totals)
    counts = {f.name: sum(getattr(row, f.name) for row in rows) for f in fields(KindTotals) if f.name.endswith("count")}
    return KindTotals("all", open_amount=sum((row.open_amount for row in rows), Decimal(0)), **counts)


def _listed(stores: Collection[str] | None) -> list[str] | None:
    return None if stores is None else sorted(stores)


def spell_filters(filters: Mapping[str, Any] | str) -> dict[str, str]:
    """The filters of a link, as an address carries them."""
    found = json.loads(filters) if isinstance(filters, str) else filters
    return {str(name): str(value) for name, value in found.items()}
