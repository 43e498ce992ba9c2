"""Lives through the history day by day: demand arrives, stock runs out, managers order badly. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ims.demo.assortment import Pairs
from ims.demo.days import BURN_IN_DAYS, Floats, Ints
from ims.demo.ordering import Managers, Orders
from ims.demo.parameters import Category
from ims.demo.streams import open_stream

DISPERSION = 3.0  # gamma-Poisson k of one store, SKU and week
STORE_SHOCK_SIGMA = 0.15
RING_DAYS = 256  # longer than any lead time or return
GOOD_RETURN_SHARE = 0.6
Counts = npt.NDArray[np.int16]


@dataclass
class History:
    """What happened. demand, sales and available are (day x pair); day 0 opens the history, burn-in is not kept.

    available_qty is what could be sold that day, receipts included; on_hand maps a day to the stock at its
    opening before receipts, cleared the day a store closed to what it sent back. returns and orders hold one array
    per column.
    """

    demand: Counts
    sales: Counts
    available: Counts
    mean: npt.NDArray[np.float32]
    on_hand: dict[int, Ints] = field(default_factory=dict)
    cleared: dict[int, Ints] = field(default_factory=dict)
    returns: dict[str, Ints] = field(default_factory=dict)
    orders: dict[str, Ints] = field(default_factory=dict)


def simulate(
    pairs: Pairs,
    categories: list[Category],
    daily_index: Floats,
    life: Floats,
    managers: Managers,
    statement_days: list[int],
    seed: int,
    tick: Callable[[int, int], None],
) -> History:
    """Run burn-in and history. daily_index (category x day) and life (sku x day) start with the burn-in.

    Sales are min(demand, available); unmet demand is lost. Every day draws from its own stream, so a run over
    more days begins with the same history.
    """
    total = daily_index.shape[1] - BURN_IN_DAYS
    n = len(pairs.sku)
    stores = int(pairs.store.max()) + 1
    demand_, sales_, available_ = (np.zeros((total, n), dtype=np.int16) for _ in range(3))
    history = History(demand_, sales_, available_, np.zeros((total, n), dtype=np.float32))
    return_share = np.array([c.return_share for c in categories])[pairs.category]
    back_in_stock = np.zeros((RING_DAYS, n), dtype=np.int64)
    orders = Orders(n, RING_DAYS)
    on_hand = np.zeros(n, dtype=np.int64)
    returns: list[Ints] = []
    week_factor = np.ones(n)
    for day in range(-BURN_IN_DAYS, total):
        column = day + BURN_IN_DAYS
        rng = open_stream(seed, "day", column)
        if column % 7 == 0:
            week_factor = open_stream(seed, "week", column // 7).gamma(DISPERSION, 1.0 / DISPERSION, n)
        if day in statement_days:
            history.on_hand[day] = on_hand.copy()
        on_hand += orders.receive(column) + back_in_stock[column % RING_DAYS]
        back_in_stock[column % RING_DAYS] = 0
        starting = pairs.start_day == day
        on_hand[starting] += managers.fill_display(starting)
        closing = pairs.close_day == day
        if closing.any():
            history.cleared[day] = np.where(closing, on_hand, 0)
            on_hand[closing] = 0
        managers.review(day, on_hand, orders, rng)

        trading = (pairs.start_day <= day) & (day < pairs.close_day)
        shock = rng.lognormal(-0.5 * STORE_SHOCK_SIGMA**2, STORE_SHOCK_SIGMA, stores)
        mean = pairs.base * life[pairs.sku, column] * daily_index[pairs.category, column] * trading
        demand = rng.poisson(mean * week_factor * shock[pairs.store])
        sales = np.minimum(demand, on_hand)
        if day >= 0:
            history.demand[day], history.sales[day], history.available[day] = demand, sales, on_hand
            history.mean[day] = mean
        managers.learn(sales, on_hand)
        on_hand -= sales

        sold = np.nonzero(sales)[0]
        quantity = rng.binomial(sales[sold], return_share[sold])
        due = day + rng.integers(2, 15, len(sold))
        good = rng.random(len(sold)) < GOOD_RETURN_SHARE
        comes_back = (quantity > 0) & (due < pairs.close_day[sold])
        restocked = comes_back & good
        back_in_stock[(due[restocked] + BURN_IN_DAYS) % RING_DAYS, sold[restocked]] += quantity[restocked]
        if day >= 0:
            back = np.nonzero(comes_back)[0]
            returns.append(np.stack([np.full(len(back), day), due[back], sold[back], quantity[back]]))
        tick(column + 1, total + BURN_IN_DAYS)
    history.on_hand[total] = on_hand
    history.returns = dict(zip(("sold_day", "day", "pair", "quantity"), np.concatenate(returns, axis=1), strict=True))
    history.orders = orders.collect()
    return history
