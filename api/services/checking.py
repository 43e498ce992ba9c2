"""What the newest checks found, the rows that broke them, and waivers: who said that which failure may stand.

Runs write the results (`api.findings`); here they are read, and waivers are given and revoked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from api.findings import without_costs
from api.refusals import Conflict, Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.paging import Page, Paging

LONGEST_DAYS = 90
RESULT = (
    "c.check_result_id, c.run_id, c.table_name, c.check_name, c.severity, c.owner, c.state, c.observed, c.what_to_do,"
    " c.holds_back, c.failed_count, c.waived_count, c.checked_at"
)
# the newest run that checked anything; one that found nothing new to do has no results of its own
NEWEST = """c.run_id = (SELECT r.run_id FROM runs AS r WHERE EXISTS (SELECT FROM check_results AS x
    WHERE x.run_id = r.run_id) ORDER BY r.started_at DESC, r.run_id LIMIT 1)"""
WAIVER = (
    "w.check_waiver_id, w.table_name, w.check_name, w.store_id, s.store_code, w.reason, w.waived_by, w.waived_on,"
    " w.expires_on, w.created_at, w.revoked_by, w.revoked_at"
)
ROWS = "SELECT {} FROM check_failures AS f WHERE f.check_result_id = c.check_result_id"
FROM_WAIVERS = "FROM check_waivers AS w LEFT JOIN stores AS s USING (store_id)"
LOCK = "SELECT 1 FROM check_waivers WHERE check_waiver_id = %(key)s FOR UPDATE"


async def list_checks(
    action: Action,
    paging: Paging,
    *,
    state: str | None = None,
    severity: str | None = None,
    owner: str | None = None,
) -> Page:
    """The checks of the newest run that had any, the newest result first; to a store those that failed in its rows."""
    wanted = {"state": state, "severity": severity, "owner": owner}
    chosen = [f"c.{name} = %({name})s" for name, value in wanted.items() if value is not None]
    where = " AND ".join([NEWEST, "c.check_result_id < %(after)s", *chosen, *_in_reach(action)])
    rows = await action.rows(
        f"SELECT {_result(action)} FROM check_results AS c WHERE {where}"
        " ORDER BY c.check_result_id DESC LIMIT %(limit)s",
        after=paging.after_id(),
        limit=paging.fetch,
        **wanted,
    )
    return paging.page(rows, ("check_result_id",))


async def show_check(action: Action, check_result_id: int) -> Row:
    """One result. Raises NotFound."""
    where = " AND ".join(["c.check_result_id = %(key)s", *_in_reach(action)])
    row = await action.row(f"SELECT {_result(action)} FROM check_results AS c WHERE {where}", key=check_result_id)
    if row is None:
        raise NotFound("unknown-check", f"There is no result of a check {check_result_id}.")
    return row


async def list_failures(action: Action, paging: Paging, *, check_result_id: int, store_id: int | None = None) -> Page:
    """The kept rows that broke a check, those of one store where it is named. Raises NotFound, OutOfReach."""
    if store_id is not None:
        action.check_store(store_id)
    await show_check(action, check_result_id)
    chosen = " AND f.store_id = %(store_id)s" if store_id is not None else ""
    rows = await action.rows(
        "SELECT f.check_failure_id, f.store_id, s.store_code, f.row FROM check_failures AS f"
        " LEFT JOIN stores AS s USING (store_id)"
        f" WHERE f.check_result_id = %(key)s AND f.check_failure_id < %(after)s{chosen}"
        " ORDER BY f.check_failure_id DESC LIMIT %(limit)s",
        key=check_result_id,
        store_id=store_id,
        after=paging.after_id(),
        limit=paging.fetch,
    )
    if not action.can("cost:read"):
        rows = [{**each, "row": without_costs(each["row"])} for each in rows]
    return paging.page(rows, ("check_failure_id",))


def _in_reach(action: Action) -> list[str]:
    """Failed rows of other stores are hidden by the database itself: what has none left concerns others."""
    return [] if action.reach.store_ids is None else [f"EXISTS ({ROWS.format('1')})"]


def _result(action: Action) -> str:
    """What is told of a result: to whoever sees some stores only, how many rows of theirs broke it."""
    if action.reach.store_ids is None:
        return RESULT
    count = f"({ROWS.format('count(*)')})"
    return RESULT.replace("c.observed", f"{count} || ' rows' AS observed").replace(
        "c.failed_count", f"{count} AS failed_count"
    )


async def list_waivers(action: Action, paging: Paging, *, is_active: bool | None = None) -> Page:
    """Waivers, the newest first: those that hold today, those that do not any more, or both."""
    holds = "w.revoked_at IS NULL AND w.expires_on >= %(today)s"
    chosen = "" if is_active is None else f" AND {'' if is_active else 'NOT '}({holds})"
    rows = await action.rows(
        f"SELECT {WAIVER} {FROM_WAIVERS} WHERE w.check_waiver_id < %(after)s{chosen}"
        " ORDER BY w.check_waiver_id DESC LIMIT %(limit)s",
        today=await business_day(action),
        after=paging.after_id(),
        limit=paging.fetch,
    )
    return paging.page(rows, ("check_waiver_id",))


async def show_waiver(action: Action, check_waiver_id: int) -> Row:
    """One waiver. Raises NotFound."""
    row = await action.row(f"SELECT {WAIVER} {FROM_WAIVERS} WHERE w.check_waiver_id = %(key)s", key=check_waiver_id)
    if row is None:
        raise await action.missing("check_waivers", check_waiver_id, "waiver")
    return row


async def waive_check(action: Action, values: Mapping[str, Any]) -> Row:
    """Let what a check finds stand until a day, for one store or all. Raises Invalid, OutOfReach.

    Today counts as waived; the last day is `expires_on`, at most 90 days from today.
    """
    if values.get("store_id") is not None:
        action.check_store(values["store_id"])
    today = await business_day(action)
    if not today <= values["expires_on"] <= today + dt.timedelta(days=LONGEST_DAYS):
        rule = f"is a day from today to {LONGEST_DAYS} days on, {today + dt.timedelta(days=LONGEST_DAYS)}"
        raise Invalid("waiver-too-long", f"expires_on {rule}.", Fault("expires_on", rule))
    known = "SELECT 1 FROM check_results WHERE table_name = %(table_name)s AND check_name = %(check_name)s LIMIT 1"
    if await action.value(known, table_name=values["table_name"], check_name=values["check_name"]) is None:
        rule = f"names no check of {values['table_name']} that was ever run"
        raise Invalid("unknown-check", f"check_name {rule}.", Fault("check_name", rule))
    waiver_id = await action.value(
        "INSERT INTO check_waivers (table_name, check_name, store_id, reason, waived_by, waived_on, expires_on)"
        " VALUES (%(table_name)s, %(check_name)s, %(store_id)s, %(reason)s, %(user_id)s, %(today)s, %(expires_on)s)"
        " RETURNING check_waiver_id",
        user_id=action.user.user_id,
        today=today,
        **{"store_id": None, **values},
    )
    row = await show_waiver(action, waiver_id)
    action.note("check.waived", "check_waiver", waiver_id, store_id=row["store_id"], after=row)
    return row


async def revoke_waiver(action: Action, check_waiver_id: int) -> Row:
    """End a waiver: the failure counts again from the next run on. Raises NotFound, Conflict when it ended already."""
    await action.row(LOCK, key=check_waiver_id)
    before = await show_waiver(action, check_waiver_id)
    if before["revoked_at"] is not None:
        raise Conflict("not-allowed-now", f"Waiver {check_waiver_id} was revoked already.", status_now="revoked")
    await action.execute(
        "UPDATE check_waivers SET revoked_by = %(user_id)s, revoked_at = now() WHERE check_waiver_id = %(key)s",
        user_id=action.user.user_id,
        key=check_waiver_id,
    )
    after = await show_waiver(action, check_waiver_id)
    action.note(
        "check.waiver_revoked", "check_waiver", check_waiver_id, store_id=after["store_id"], before=before, after=after
    )
    return after
