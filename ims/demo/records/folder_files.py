"""All record files of one folder: what to write for a period of the story."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ims.demo.records.buying import list_purchases, tabulate_buying
from ims.demo.records.clinic import tabulate_clinic
from ims.demo.records.finance import tabulate_finance
from ims.demo.records.ledger import list_moves, tabulate_moves
from ims.demo.records.masters import tabulate_masters
from ims.demo.records.orders import tabulate_orders
from ims.demo.records.payments import tabulate_payments
from ims.demo.records.people_files import tabulate_people
from ims.demo.records.returns import price_returns, tabulate_returns
from ims.demo.records.stock import list_counts, list_transfers, tabulate_counts, tabulate_transfers
from ims.demo.records.traffic import tabulate_traffic
from ims.demo.records.workshop import tabulate_workshop
from ims.demo.story import Story


@dataclass(frozen=True)
class Telling:
    """A story with what its files share, made once for all periods."""

    story: Story
    purchases: pl.DataFrame
    transfers: pl.DataFrame
    counts: pl.DataFrame
    moves: pl.DataFrame
    return_heads: pl.DataFrame
    return_lines: pl.DataFrame


def prepare(story: Story) -> Telling:
    """Number purchases, transfers, counts and returns, and list the moves they make."""
    purchases, transfers, counts = list_purchases(story), list_transfers(story), list_counts(story)
    heads, lines = price_returns(story)
    return Telling(story, purchases, transfers, counts, list_moves(story, purchases, transfers, counts), heads, lines)


def tabulate_records(telling: Telling, first: int, end: int) -> dict[str, pl.DataFrame]:
    """The record files of first <= day < end, as they stand at the opening of `end`; masters with a first folder."""
    story = telling.story
    returned = telling.return_heads.select("order", "at", "total", "number")
    return {
        **(tabulate_masters(story) if first == 0 else {}),
        **tabulate_people(story, first, end),
        **tabulate_clinic(story, first, end),
        **tabulate_orders(story, first, end),
        "payments": tabulate_payments(story, returned, first, end),
        **tabulate_returns(story, telling.return_heads, telling.return_lines, first, end),
        **tabulate_workshop(story, first, end),
        **tabulate_traffic(story, first, end),
        **tabulate_buying(story, telling.purchases, first, end),
        **tabulate_transfers(story, telling.transfers, first, end),
        **tabulate_counts(story, telling.counts, first, end),
        "stock_moves": tabulate_moves(story, telling.moves, first, end),
        **tabulate_finance(story, first, end),
    }
