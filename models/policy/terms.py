"""Terms of candidate rows as whole numbers, missing ones filled: when an order is usable, what lots, what limits.

Reads the rows of candidates.py and learnt lead times, gives arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.policy.columns import Flags, take_floats, take_ints
from models.policy.lead_times import draw_lead_times
from models.policy.paths import Floats, Ints
from models.policy.protection import usable_days, wait_for_order_day

FAR_DAYS = 10**6
ENDING = ("CLEARANCE", "DISCONTINUED")


@dataclass(frozen=True)
class Terms:
    """Supply terms of n pairs: days, units, money.

    wait_days: until the vendor takes an order; lead_days: from as_of until it is usable, that wait included;
    lead_quantiles (n, 19) of the lead time alone; shelf_life_days: FAR_DAYS where goods keep.
    """

    wait_days: Ints
    lead_days: Ints
    lead_quantiles: Floats
    review_days: Ints
    pack: Ints
    moq: Ints
    display_min: Ints
    shelf_life_days: Ints
    unit_cost: Floats
    is_closed: Flags

    def rows(self, chosen: slice | Ints) -> Terms:
        return Terms(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


def read_terms(pairs: pl.DataFrame, as_of: date, leads: pl.DataFrame | None = None) -> Terms:
    """Terms of candidate rows; a pair is closed if it ends before an order placed at as_of could be used.

    The next order is possible on the first day the vendor takes orders that is no sooner than a review period after
    this one's.
    """
    n = pairs.height
    quantiles = draw_lead_times(pairs, leads)
    days = pairs["order_weekdays"].to_list()
    wait = wait_for_order_day(np.full(n, as_of.weekday(), dtype=np.int64), days)
    stated = np.clip(take_ints(pairs, "review_period_days", 7), 1, 366)
    review = stated + wait_for_order_day((as_of.weekday() + wait + stated) % 7, days)
    lead = usable_days(quantiles, wait)
    sold_until = (pairs["discontinued_on"] - as_of).dt.total_days().fill_null(FAR_DAYS).to_numpy()
    return Terms(
        wait_days=wait,
        lead_days=lead,
        lead_quantiles=quantiles,
        review_days=review,
        pack=np.maximum(take_ints(pairs, "pack_size", 1), 1),
        moq=np.maximum(take_ints(pairs, "moq", 1), 1),
        display_min=np.maximum(take_ints(pairs, "display_min", 0), 0),
        shelf_life_days=np.maximum(take_ints(pairs, "shelf_life_days", FAR_DAYS), 0),
        unit_cost=take_floats(pairs, "unit_cost"),
        is_closed=(sold_until <= lead) | pairs["lifecycle"].is_in(ENDING).fill_null(value=False).to_numpy(),
    )
