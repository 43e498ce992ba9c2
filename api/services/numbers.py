"""Numbers of documents: invoices and credit notes without gaps per store and fiscal year, orders by chance.

A number without gaps is taken late in its transaction: until that ends, the store's next one waits for it.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Literal

from api.services.action import Action
from api.services.chain_settings import setting

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: a number is read aloud
DIGITS = 6
LAST = {
    "invoice": """
        SELECT max(right(invoice_number, 6))::integer FROM sales_orders
        WHERE invoice_number BETWEEN %(low)s AND %(high)s AND left(invoice_number, -6) = %(prefix)s""",
    "credit_note": """
        SELECT max(right(credit_note_number, 6))::integer FROM sales_returns
        WHERE credit_note_number BETWEEN %(low)s AND %(high)s AND left(credit_note_number, -6) = %(prefix)s""",
}
LETTER = {"invoice": "", "credit_note": "C"}


async def next_number(action: Action, kind: Literal["invoice", "credit_note"], store_id: int, day: dt.date) -> str:
    """The store's next number in the fiscal year of that day: S01/2627/000001, and S01/2627C000001 of a credit note.

    With a store code of up to four characters it has the 16 that an Indian tax invoice may have.
    """
    first_month = int(await setting(action, "fiscal_year_first_month"))
    code = await action.value("SELECT store_code FROM stores WHERE store_id = %(store_id)s", store_id=store_id)
    prefix = f"{code}/{fiscal_year(day, first_month)}{LETTER[kind] or '/'}"
    await action.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 1))", name=f"{kind} {prefix}")
    last = await action.value(LAST[kind], prefix=prefix, low=prefix + "0" * DIGITS, high=prefix + "9" * DIGITS)
    return f"{prefix}{(last or 0) + 1:0{DIGITS}}"


def fiscal_year(day: dt.date, first_month: int) -> str:
    """The two calendar years that a fiscal year touches: 2026-11-25 from April is 2627; from January, 2626."""
    start = day.year if day.month >= first_month else day.year - 1
    end = start if first_month == 1 else start + 1
    return f"{start % 100:02}{end % 100:02}"


def order_number(store_code: str, day: dt.date) -> str:
    """A number nobody can guess from the one before: S01-261125-7K3QFX."""
    return f"{store_code}-{day:%y%m%d}-{''.join(secrets.choice(ALPHABET) for _ in range(6))}"
