"""Tax classes and their dated rates. A rate is law from a day on; what was sold before keeps the rate it had."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from api.refusals import Conflict, Fault, Invalid, NotFound
from api.services.action import Action, Row
from api.services.ledger import business_day
from api.services.paging import Page, Paging

COLUMNS = "tax_class_id, code, name"
RATE = "tax_rate_id, tax_class_id, rate, valid_from_on, valid_to_on"
LOCK = "SELECT tax_class_id FROM tax_classes WHERE tax_class_id = %(class_id)s FOR NO KEY UPDATE"


async def list_classes(action: Action, paging: Paging) -> Page:
    """The classes by id, the newest first, each with the rate that holds today."""
    day = await business_day(action)
    rows = await action.rows(
        "SELECT c.tax_class_id, c.code, c.name, r.rate FROM tax_classes AS c LEFT JOIN tax_rates AS r"
        " ON r.tax_class_id = c.tax_class_id"
        " AND %(day)s BETWEEN r.valid_from_on AND coalesce(r.valid_to_on, 'infinity')"
        " WHERE c.tax_class_id < %(after)s ORDER BY c.tax_class_id DESC LIMIT %(limit)s",
        day=day,
        after=paging.after_id(),
        limit=paging.fetch,
    )
    return paging.page(rows, ("tax_class_id",))


async def add_class(action: Action, code: str, name: str) -> Row:
    """A new class, still without a rate. Raises Conflict when the code is taken."""
    row = await action.row(
        "INSERT INTO tax_classes (code, name) VALUES (%(code)s, %(name)s) ON CONFLICT (code) DO NOTHING"
        f" RETURNING {COLUMNS}",
        code=code,
        name=name,
    )
    if row is None:
        raise Conflict("tax-class-taken", f"There is a tax class {code} already.")
    action.note("price.changed", "tax_class", row["tax_class_id"], after=row)
    return row


async def list_rates(action: Action, class_id: int) -> Page:
    """All rates of a class, the first first: a handful, so they are one page."""
    if not await action.value("SELECT 1 FROM tax_classes WHERE tax_class_id = %(id)s", id=class_id):
        raise NotFound("unknown-tax-class", f"There is no tax class {class_id}.")
    return Page(
        await action.rows(
            f"SELECT {RATE} FROM tax_rates WHERE tax_class_id = %(id)s ORDER BY valid_from_on", id=class_id
        )
    )


async def set_rate(action: Action, class_id: int, rate: Decimal, from_on: dt.date) -> Row:
    """The rate of a class from a day on; it ends the one before. Raises NotFound, Invalid, Conflict.

    A class without any rate may be given one from a day in the past; later rates begin today or later.
    """
    if await action.row(LOCK, class_id=class_id) is None:
        raise NotFound("unknown-tax-class", f"There is no tax class {class_id}.")
    last = await action.row(
        f"SELECT {RATE} FROM tax_rates WHERE tax_class_id = %(class_id)s ORDER BY valid_from_on DESC LIMIT 1",
        class_id=class_id,
    )
    if last is not None:
        today = await business_day(action)
        if from_on < today:
            rule = f"may not lie before today, {today}: what was sold keeps its tax"
            raise Invalid("past-day", f"A rate's day {rule}.", Fault("valid_from_on", rule))
        if from_on <= last["valid_from_on"]:
            raise Conflict("overlaps", f"A rate that begins on {last['valid_from_on']} is set already.")
        ends = min(last["valid_to_on"] or dt.date.max, from_on - dt.timedelta(days=1))
        await action.update("tax_rates", "tax_rate_id", last["tax_rate_id"], {"valid_to_on": ends})
    row = await action.one(
        "INSERT INTO tax_rates (tax_class_id, rate, valid_from_on) VALUES (%(class_id)s, %(rate)s, %(from_on)s)"
        f" RETURNING {RATE}",
        class_id=class_id,
        rate=rate,
        from_on=from_on,
    )
    action.note("price.changed", "tax_class", class_id, before=last, after=row)
    return row
