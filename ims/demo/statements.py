"""What the chain states about its stock: availability spans, stock on hand, open orders. Reads a simulated history."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import Flags, date_days
from ims.demo.history import History
from ims.demo.stores import WAREHOUSE_CODE, Stores
from ims.demo.supply import SPECIAL


def is_ranged(pairs: Pairs, first_day: int, end_day: int) -> Flags:
    """(day x pair): the store carries the SKU on that day; the warehouse carries nothing."""
    day = np.arange(first_day, end_day)[:, None]
    return (pairs.start_day <= day) & (day < pairs.end_day) & pairs.is_shop


def label_pairs(pairs: Pairs, catalogue: Catalogue, stores: Stores) -> pl.DataFrame:
    """store_code and sku of each pair, in pair order."""
    return pl.DataFrame(
        {
            "store_code": pl.Series([*stores.codes, WAREHOUSE_CODE]).gather(pairs.store),
            "sku": catalogue.frame["sku"].gather(pairs.sku),
        }
    )


def tabulate_availability(
    history: History, pairs: Pairs, labels: pl.DataFrame, start: date, first_day: int, end_day: int
) -> pl.DataFrame:
    """Spans that cover each pair's time in the assortment, and after it for as long as stock is left.

    A day counts as out of stock when nothing could be sold from its opening on; the day on which the last unit went
    still counts as in stock. Spans are closed at the last day: what comes after is said by the stock statement.
    """
    on_shelf = history.available[first_day:end_day] > 0
    days = np.arange(first_day, end_day)[:, None]
    sells = pairs.is_shop & (days >= pairs.start_day) & (days < pairs.close_day)
    covered = is_ranged(pairs, first_day, end_day) | (on_shelf & sells)
    state = np.where(covered, on_shelf.astype(np.int8), np.int8(-1)).T
    changes = np.ones(state.shape, dtype=bool)
    changes[:, 1:] = state[:, 1:] != state[:, :-1]
    pair, first = np.nonzero(changes)
    last = np.append(first[1:] - 1, state.shape[1] - 1)
    last[np.append(pair[1:] != pair[:-1], True)] = state.shape[1] - 1
    value = state[pair, first]
    keep = value >= 0
    return labels[pair[keep]].with_columns(
        from_date=date_days(start, first[keep] + first_day),
        to_date=date_days(start, last[keep] + first_day),
        in_stock=pl.Series(value[keep] == 1),
    )


def tabulate_stock(history: History, pairs: Pairs, labels: pl.DataFrame, start: date, day: int) -> pl.DataFrame:
    """On hand at the opening of `day`, for what is carried then, and for what is left of what was."""
    on_hand = history.on_hand[day]
    open_now = (pairs.start_day <= day) & (day < pairs.close_day)
    listed = np.nonzero(open_now & (((day < pairs.end_day) & pairs.is_shop) | (on_hand > 0)))[0]
    return labels[listed].select(
        pl.lit(start + timedelta(days=day)).alias("as_of"),
        "store_code",
        "sku",
        on_hand=pl.Series(on_hand[listed]),
    )


def tabulate_open_orders(
    history: History, pairs: Pairs, catalogue: Catalogue, labels: pl.DataFrame, start: date, day: int
) -> pl.DataFrame:
    """Ordered before the opening of `day` and not received by then; an overdue line keeps its promised date.

    What was ordered for a customer is left out: it will never be on hand.
    """
    closes = pl.Series(pairs.close_day).gather(history.purchases["pair"])
    lines = history.purchases.filter(
        pl.col("day") < day, pl.col("arrival_day") >= day, pl.col("arrival_day") < closes, pl.col("kind") != SPECIAL
    )
    frame = labels[lines["pair"]].with_columns(
        ordered=date_days(start, lines["day"].to_numpy()),
        expected_on=date_days(start, lines["eta_day"].to_numpy()),
        quantity=lines["quantity"],
        vendor_code=catalogue.frame["vendor_code"].gather(pairs.sku[lines["pair"]]),
    )
    reference = pl.format(
        "PO-{}-{}-{}",
        pl.col("store_code"),
        pl.col("vendor_code").str.slice(2),
        pl.col("ordered").dt.strftime("%y%m%d"),
    )
    return frame.select(
        reference.alias("order_ref"),
        "store_code",
        "sku",
        "quantity",
        "expected_on",
        "vendor_code",
    ).sort("order_ref", "store_code", "sku")
