"""What happened in the demo chain, as arrays and rows; written by the simulation, read by everything that tells it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from ims.demo.days import Floats, Ints

Counts = npt.NDArray[np.int16]
UNMET_COLUMNS = ("day", "pair", "quantity", "outcome", "other", "arrives_day")
RETURN_COLUMNS = ("sold_day", "day", "pair", "quantity", "good", "opened", "damaged")
COUNT_COLUMNS = ("count", "day", "pair", "expected", "counted")
LOSS_COLUMNS = ("day", "pair", "quantity")


@dataclass
class History:
    """demand, sales and available are (day x pair); day 0 opens the history, burn-in is not kept.

    demand: wanted of this pair. sales: what left its shelf for a customer, taken as a substitute or sent by another
    store included; special orders never stand on a shelf and are in none. available: what could be sold that day.
    base: units a day of each pair at index 1. on_hand maps a statement day to the book's units at its opening; the
    book lags behind what is lost until a count.
    On a day: on_hand[d + 1] = on_hand[d] - expired + accepted (not kind special) + transfers received + good returns
    - transfers shipped - sales + (counted - expected). Rows are frames of Int64, by day:
    unmet      units wanted in vain, by what the customer did (reactions.py)
    purchases  one line of one order to one vendor (supply.py); transfers (transfers.py)
    returns    units back on `day`, by their state; counts: evening of `day`; expiries: morning of `day`, by the book
    shrinkage  units lost on `day`: the truth, which no record shows
    """

    demand: Counts
    sales: Counts
    available: Counts
    base: Floats
    vendors: list[str]
    on_hand: dict[int, Ints] = field(default_factory=dict)
    unmet: pl.DataFrame = field(default_factory=pl.DataFrame)
    purchases: pl.DataFrame = field(default_factory=pl.DataFrame)
    transfers: pl.DataFrame = field(default_factory=pl.DataFrame)
    returns: pl.DataFrame = field(default_factory=pl.DataFrame)
    counts: pl.DataFrame = field(default_factory=pl.DataFrame)
    shrinkage: pl.DataFrame = field(default_factory=pl.DataFrame)
    expiries: pl.DataFrame = field(default_factory=pl.DataFrame)


class Rows:
    """Collects rows of integers, a few arrays a day, and makes one frame of them."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._parts: list[Ints] = []

    def add(self, *columns: int | Ints) -> None:
        """One array (or one value for all) per column; nothing is kept of empty ones."""
        length = max(len(c) for c in columns if not isinstance(c, int))
        if length:
            self._parts.append(np.stack([np.full(length, c) if isinstance(c, int) else c for c in columns]))

    def tabulate(self) -> pl.DataFrame:
        """All rows in the order they were added, as Int64."""
        if not self._parts:
            return pl.DataFrame(schema=dict.fromkeys(self._columns, pl.Int64))
        return pl.DataFrame(dict(zip(self._columns, np.concatenate(self._parts, axis=1), strict=True)))
