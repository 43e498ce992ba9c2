"""Erasing the customers who were kept long enough, one transaction each: an end in the middle loses nothing."""

from __future__ import annotations

import datetime as dt

import psycopg

from api.services.action import Action
from api.services.privacy_erasure import erase_customer
from api.services.privacy_retention import find_due, read_years
from api.services.retention import purge
from api.services.system import act_alone

NAME = "privacy retention"
PERMISSION = "customer:erase"


async def retain_customers(url: str, today: dt.date, *, dry_run: bool = False) -> tuple[int, int]:
    """Erase customers not seen for the years of the setting `customer_retention_years`; forget what had its time.

    Gives (the years, how many customers were erased, or with `dry_run` would be).
    """

    async def look(action: Action) -> tuple[int, list[int]]:
        years = await read_years(action)
        return years, await find_due(action, _years_before(today, years))

    async def erase(action: Action, customer_id: int) -> None:
        await erase_customer(action, customer_id)

    async def close(action: Action, years: int, erased: int) -> None:
        action.note("privacy.retained", "customers", "", after={"years": years, "erased": erased})

    years, due = await act_alone(url, NAME, PERMISSION, look)
    if not dry_run:
        for customer_id in due:
            await act_alone(url, NAME, PERMISSION, erase, customer_id)
        await act_alone(url, NAME, PERMISSION, close, years, len(due))
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await purge(connection)  # stored answers, old messages and ended sessions hold personal data as well
    return years, len(due)


def _years_before(day: dt.date, years: int) -> dt.date:
    return day.replace(year=day.year - years, day=min(day.day, 28))
