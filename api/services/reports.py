"""Figures by mail: who wants them when (schedules), asking for a pack at once, and the log of what was sent.

Making and sending a pack needs the warehouse and is the pipelines' business; here it is only wanted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from api.identity.principal import Reach, reach_of
from api.refusals import Conflict, Fault, Invalid, OutOfReach
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.report_calendar import Rhythm, next_due

MOST = 20  # schedules of a person that are active
RHYTHM = ("cadence", "at_hour", "weekday", "month_day")
CHOICES = (*RHYTHM, "form", "store_ids", "is_active")
COLUMNS = (
    "r.report_schedule_id, r.user_id, u.username, u.email AS address, r.cadence, r.weekday, r.month_day, r.at_hour,"
    " r.form, r.store_ids, (SELECT array_agg(s.store_code ORDER BY s.store_code) FROM stores AS s"
    " WHERE s.store_id = ANY (r.store_ids)) AS store_codes, r.is_active, r.created_at, r.updated_at,"
    " (SELECT timezone FROM chain) AS timezone"
)
FROM = "FROM report_schedules AS r JOIN users AS u USING (user_id)"
LOCK = "SELECT 1 FROM report_schedules WHERE report_schedule_id = %(key)s FOR UPDATE"
SENT = (
    "d.report_delivery_id, d.report_schedule_id, r.user_id, u.username, d.occasion, d.due_on, d.state, d.says,"
    " d.begins_on, d.ends_on, p.snapshot_id, d.reach -> 'stores' AS store_codes, d.receipt, d.error, d.created_at,"
    " d.made_at, d.ended_at"
)
FROM_SENT = (
    "FROM report_deliveries AS d JOIN report_schedules AS r USING (report_schedule_id) JOIN users AS u USING (user_id)"
    " LEFT JOIN publications AS p USING (publication_id)"
)
OPEN = """
    SELECT 1 FROM report_deliveries WHERE report_schedule_id = %(key)s AND occasion = 'asked'
       AND state IN ('wanted', 'queued')
"""


async def list_schedules(action: Action, paging: Paging, *, user_id: int | None = None) -> Page:
    """Schedules, the newest first: one's own, for admins everybody's. Raises NotPermitted for another's."""
    if action.reach.own_records:
        action.check_record(action.user.user_id if user_id is None else user_id)
        user_id = action.user.user_id
    chosen = "" if user_id is None else " AND r.user_id = %(user_id)s"
    rows = await action.rows(
        f"SELECT {COLUMNS} {FROM} WHERE r.report_schedule_id < %(after)s{chosen}"
        " ORDER BY r.report_schedule_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        limit=paging.fetch,
        user_id=user_id,
    )
    return paging.page([_with_next(row) for row in rows], ("report_schedule_id",))


async def show_schedule(action: Action, report_schedule_id: int) -> Row:
    """One schedule. Raises NotFound, NotPermitted for another's."""
    row = await action.row(f"SELECT {COLUMNS} {FROM} WHERE r.report_schedule_id = %(key)s", key=report_schedule_id)
    if row is None:
        raise await action.missing_own("report_schedules", report_schedule_id, "schedule")
    return _with_next(row)


async def subscribe(action: Action, values: Mapping[str, Any]) -> Row:
    """Have figures sent to oneself, or as an admin to another. Raises Invalid, OutOfReach, Conflict."""
    user_id = values.get("recipient_id") or action.user.user_id
    action.check_record(user_id)
    checked = _rhythm_of({**values, "is_active": True})
    await _check_recipient(action, user_id)
    await _check_stores(action, user_id, checked["store_ids"])
    count = "SELECT count(*) FROM report_schedules WHERE user_id = %(user_id)s AND is_active"
    if await action.value(count, user_id=user_id) >= MOST:
        raise Conflict("too-many", f"{MOST} schedules of one person are enough; end one of them first.")
    key = await action.value(
        "INSERT INTO report_schedules (user_id, cadence, weekday, month_day, at_hour, form, store_ids)"
        " VALUES (%(user_id)s, %(cadence)s, %(weekday)s, %(month_day)s, %(at_hour)s, %(form)s, %(store_ids)s)"
        " RETURNING report_schedule_id",
        **{**checked, "user_id": user_id},
    )
    row = await show_schedule(action, key)
    action.note("report.subscribed", "report_schedule", key, after=row)
    return row


async def change_schedule(action: Action, report_schedule_id: int, changes: Mapping[str, Any]) -> Row:
    """Change when and what, end it or begin it again. Another rhythm owes nothing for moments that have passed."""
    await action.row(LOCK, key=report_schedule_id)
    before = await show_schedule(action, report_schedule_id)
    whole = _rhythm_of({**{name: before.get(name) for name in CHOICES}, **changes})
    if whole["store_ids"] != before["store_ids"]:
        await _check_stores(action, before["user_id"], whole["store_ids"])
    moved = {name: whole[name] for name in CHOICES if whole[name] != before[name]}
    if moved:
        await action.update("report_schedules", "report_schedule_id", report_schedule_id, moved)
        anew = ", since = now()" if moved.keys() & {*RHYTHM, "is_active"} else ""
        await action.execute(
            f"UPDATE report_schedules SET updated_at = now(){anew} WHERE report_schedule_id = %(key)s",
            key=report_schedule_id,
        )
    after = await show_schedule(action, report_schedule_id)
    action.note("report.changed", "report_schedule", report_schedule_id, before=before, after=after)
    return after


async def ask_for_pack(action: Action, report_schedule_id: int) -> Row:
    """Want a pack at once, of the last whole period of what is published. Raises Conflict while one is on its way."""
    await action.row(LOCK, key=report_schedule_id)
    schedule = await show_schedule(action, report_schedule_id)
    if not schedule["is_active"]:
        raise Conflict("not-allowed-now", "This schedule has ended; begin it again first.", status_now="ended")
    if await action.row(OPEN, key=report_schedule_id) is not None:
        raise Conflict("asked-already", "One is on its way already.")
    key = await action.value(
        "INSERT INTO report_deliveries (report_schedule_id, occasion, due_on) VALUES (%(key)s, 'asked', %(today)s)"
        " RETURNING report_delivery_id",
        key=report_schedule_id,
        today=await business_day(action),
    )
    action.note("report.asked", "report_schedule", report_schedule_id, after={"report_delivery_id": key})
    return await action.one(f"SELECT {SENT} {FROM_SENT} WHERE d.report_delivery_id = %(key)s", key=key)


async def list_deliveries(
    action: Action, paging: Paging, *, report_schedule_id: int | None = None, state: str | None = None
) -> Page:
    """What was sent, the newest first: one's own, for admins everybody's. Raises NotFound, NotPermitted."""
    if report_schedule_id is not None:
        await show_schedule(action, report_schedule_id)
    wanted: dict[str, Any] = {"report_schedule_id": report_schedule_id, "state": state}
    chosen = "".join(f" AND d.{name} = %({name})s" for name, value in wanted.items() if value is not None)
    rows = await action.rows(
        f"SELECT {SENT} {FROM_SENT} WHERE d.report_delivery_id < %(after)s{chosen}"
        " ORDER BY d.report_delivery_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("report_delivery_id",))


def rhythm_of(row: Mapping[str, Any]) -> Rhythm:
    """The rhythm of a schedule's row."""
    return Rhythm(row["cadence"], row["at_hour"], row["weekday"], row["month_day"])


def _with_next(row: Row) -> Row:
    zone = ZoneInfo(row.pop("timezone") or "UTC")
    is_due = row["is_active"]
    return {**row, "next_at": next_due(rhythm_of(row), dt.datetime.now(dt.UTC), zone) if is_due else None}


def _rhythm_of(values: Mapping[str, Any]) -> Row:
    """The choices with the day that their cadence needs, and without the other. Raises Invalid."""
    whole = dict(values)
    for cadence, name in (("weekly", "weekday"), ("monthly", "month_day")):
        if whole["cadence"] != cadence:
            whole[name] = None
        elif whole.get(name) is None:
            rule = f"says on which day a {cadence} pack is sent"
            raise Invalid("no-day", f"{name} {rule}.", Fault(name, rule))
    if whole.get("store_ids") is not None:
        whole["store_ids"] = sorted(set(whole["store_ids"]))
    return whole


async def _check_recipient(action: Action, user_id: int) -> None:
    found = await action.row("SELECT email FROM users WHERE user_id = %(key)s AND is_active", key=user_id)
    if found is None:
        rule = "names no active user"
        raise Invalid("unknown-user", f"recipient_id {rule}.", Fault("recipient_id", rule))
    if not found["email"]:
        raise Conflict(
            "no-mail-address", "There is no e-mail address to send to; an administrator adds one to the account."
        )


async def _check_stores(action: Action, user_id: int, store_ids: list[int] | None) -> None:
    """One names only stores that one sees; an admin any, for what the recipient may not see is left out when sent."""
    if store_ids is None:
        return
    known = await action.rows("SELECT store_id FROM stores WHERE store_id = ANY (%(ids)s)", ids=store_ids)
    if len(known) < len(store_ids):
        rule = "names a store that there is not"
        raise Invalid("unknown-store", f"store_ids {rule}.", Fault("store_ids", rule))
    if user_id == action.user.user_id:
        reach = reach_of(action.user, "report:sales") or Reach(frozenset())
        outside = next((key for key in store_ids if not reach.allows(key)), None)
        if outside is not None:
            raise OutOfReach("store-out-of-scope", "Your account does not cover that store.", store_id=outside)
