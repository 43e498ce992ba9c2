"""What people do about alerts: put one off until a day, say that they acted, or dismiss it for a reason.

    open ──snooze──► snoozed ──its day comes──► open        open, snoozed ──act, dismiss──► acted, dismissed

An action is of the alert, not of one publication's word of it: the next run finds it settled.
"""

from __future__ import annotations

import datetime as dt

from api.refusals import Conflict, Fault, Invalid
from api.services.action import Action, Row
from api.services.alert_pages import show_alert
from api.services.ledger import business_day

LONGEST_DAYS = 90
# two people at once: the second waits, and is told what the first did
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%(ref)s, 5))"
RECORD = """
    INSERT INTO alert_actions (alert_ref, kind, store_id, action, until_on, reason, acted_by)
    SELECT alert_ref, kind, store_id, %(action)s, %(until_on)s, %(reason)s, %(user_id)s
    FROM alerts WHERE alert_id = %(alert_id)s"""


async def snooze_alert(action: Action, alert_id: int, until_on: dt.date) -> Row:
    """Put it off: it is open again on that day. Raises NotFound, OutOfReach, Conflict, Invalid `snoozed-too-long`."""
    await show_alert(action, alert_id)  # out of reach comes before a wrong day
    today = await business_day(action)
    if not today < until_on <= today + dt.timedelta(days=LONGEST_DAYS):
        rule = f"is a day after today, {LONGEST_DAYS} days on at most"
        raise Invalid("snoozed-too-long", f"until_on {rule}.", Fault("until_on", rule))
    return await _settle(action, alert_id, "snoozed", until_on=until_on)


async def act_on_alert(action: Action, alert_id: int, note: str | None = None) -> Row:
    """Say that something was done. Raises NotFound, OutOfReach, Conflict `settled-already`."""
    return await _settle(action, alert_id, "acted", reason=note)


async def dismiss_alert(action: Action, alert_id: int, reason: str) -> Row:
    """Say why nothing is to be done. Raises NotFound, OutOfReach, Conflict `settled-already`."""
    return await _settle(action, alert_id, "dismissed", reason=reason)


async def _settle(
    action: Action, alert_id: int, did: str, *, until_on: dt.date | None = None, reason: str | None = None
) -> Row:
    found = await show_alert(action, alert_id)
    await action.execute(ALONE, ref=found["alert_ref"])
    before = await show_alert(action, alert_id)
    if before["state"] in ("acted", "dismissed"):
        by = before["acted_by"]
        raise Conflict(
            "settled-already", f"{by} has {before['state']} it already.", alert_id=alert_id, state_now=before["state"]
        )
    store_id = await action.value("SELECT store_id FROM alerts WHERE alert_id = %(key)s", key=alert_id)
    action.check_store(store_id)
    values = {"action": did, "until_on": until_on, "reason": reason, "user_id": action.user.user_id}
    await action.execute(RECORD, alert_id=alert_id, **values)
    after = await show_alert(action, alert_id)
    action.note(
        f"alert.{did}",
        "alert",
        alert_id,
        store_id=store_id,
        before={"state": before["state"]},
        after={name: after[name] for name in ("alert_ref", "kind", "state", "until_on", "reason")},
    )
    return after
