"""Reading alerts: pages of the served publication, the most money at stake first; one; and what they come to by kind.

The database hides alerts of stores out of reach, and those of the chain from whoever does not reach all of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from api.alerts import CHOSEN, SELECT, TOTALS, WEEKS_COUNTED, State
from api.refusals import Conflict, Fault, Invalid, NotFound, OutOfReach
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.paging import Page, Paging
from api.services.publication import read_publication

AFTER = "(a.at_stake_amount < %(amount)s OR (a.at_stake_amount = %(amount)s AND a.alert_id > %(alert_id)s))"
ORDER = "ORDER BY a.at_stake_amount DESC, a.alert_id LIMIT %(limit)s"


async def list_alerts(
    action: Action,
    paging: Paging,
    *,
    stores: Sequence[str] | None = None,
    kind: str | None = None,
    state: State | None = None,
    is_listed: bool = True,
) -> Page:
    """A page of the served publication's alerts. `is_listed` false: those beyond what a store is shown of a day.

    Raises OutOfReach, NotFound `nothing-published`, Invalid, and Conflict `publication-moved` for a cursor of another
    publication.
    """
    _refuse_others(action, stores)
    served = await _served(action)
    values: Row = {"stores": list(stores) if stores else None, "kind": kind, "state": state, "is_listed": is_listed}
    where = CHOSEN
    if paging.after is not None:
        values |= _after(paging.after, served["publication_id"])
        where += f" AND {AFTER}"
    rows = await action.rows(
        f"{SELECT} WHERE {where} {ORDER}", **values, today=await business_day(action), limit=paging.fetch
    )
    about = {name: served[name] for name in ("publication_id", "as_of", "currency")}
    keyed = [{**row, "publication_id": about["publication_id"]} for row in rows]
    page = paging.page(keyed, ("publication_id", "at_stake_amount", "alert_id"))
    return Page([_shown(row) for row in page.items], page.next_cursor, about)


async def show_alert(action: Action, alert_id: int) -> Row:
    """One alert, of whichever publication. Raises NotFound, OutOfReach."""
    row = await action.row(f"{SELECT} WHERE a.alert_id = %(key)s", key=alert_id, today=await business_day(action))
    if row is None:
        raise await action.missing("alerts", alert_id, "alert")
    return _shown(row)


async def sum_up_alerts(action: Action) -> Row:
    """By kind, what is open, and of the last four weeks how many were shown and acted on. Raises NotFound."""
    served = await _served(action)
    since = served["as_of"] - dt.timedelta(weeks=WEEKS_COUNTED)
    rows = await action.rows(TOTALS, stores=None, today=await business_day(action), since=since)
    return {**{name: served[name] for name in ("publication_id", "as_of", "currency")}, "items": rows}


async def _served(action: Action) -> Row:
    publication = await read_publication(action.connection)
    if publication is None:
        raise NotFound("nothing-published", "Nothing is published yet: `ims run` computes and publishes.")
    return publication


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("store_name", "publication_id")}


def _refuse_others(action: Action, stores: Sequence[str] | None) -> None:
    if action.reach.store_ids is None:
        return
    others = [code for code in stores or () if code not in action.user.store_codes]
    if others:
        raise OutOfReach("store-out-of-scope", f"Your account does not cover store {', '.join(others)}.")


def _after(key: tuple[Any, ...], served: int) -> Row:
    rule = "was not made by this list; start without one"
    try:
        publication_id, amount, alert_id = key
        after = {"amount": Decimal(amount), "alert_id": alert_id}
        if not (isinstance(publication_id, int) and isinstance(alert_id, int) and after["amount"].is_finite()):
            raise ValueError(rule)
    except (ValueError, TypeError, InvalidOperation):
        raise Invalid("invalid-cursor", f"This cursor {rule}.", Fault("cursor", rule)) from None
    if publication_id != served:
        raise Conflict("publication-moved", "Another publication is served now: start from the first page.")
    return after
