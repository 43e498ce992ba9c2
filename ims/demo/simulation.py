"""Lives through the history day by day: demand arrives, stock runs out, managers order badly. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ims.demo.assortment import Pairs
from ims.demo.days import BURN_IN_DAYS, Flags, Ints
from ims.demo.demand import Demand
from ims.demo.history import COUNT_COLUMNS, LOSS_COLUMNS, RETURN_COLUMNS, UNMET_COLUMNS, History, Rows
from ims.demo.losses import Expiry, Shrinkage
from ims.demo.ordering import Managers
from ims.demo.parameters import Category
from ims.demo.reactions import LOST, SPECIAL_ORDER, Reactions
from ims.demo.streams import open_stream
from ims.demo.supply import SPECIAL, Purchases, Vendors
from ims.demo.transfers import FROM_CLOSING, RECALLED, Transfers

RECALL_DAYS = 90  # after a style has left the range, what is left of it goes to the warehouse
RETURN_STATES = (0.60, 0.25, 0.15)  # good, opened, damaged; only the good goes back on the shelf


class Chain:
    """The chain as it stands on one day; `live_day` moves it on and notes what happened in a History."""

    def __init__(
        self,
        pairs: Pairs,
        categories: list[Category],
        demand: Demand,
        managers: Managers,
        vendors: Vendors,
        total_days: int,
        seed: int,
    ) -> None:
        n = len(pairs.sku)
        self._pairs, self._seed = pairs, seed
        self._demand, self._managers = demand, managers
        self._purchases, self._transfers = Purchases(pairs, vendors), Transfers(pairs)
        self._reactions = Reactions(pairs, categories)
        self._shrinkage, self._expiry = Shrinkage(pairs, categories), Expiry(pairs, categories)
        self._return_share = np.array([c.return_share for c in categories])[pairs.category]
        self._return_days = np.array([c.return_days for c in categories])[pairs.category].T
        self._physical = np.zeros(n, dtype=np.int64)
        self._missing = np.zeros(n, dtype=np.int64)  # lost, and still in the book
        self._back = np.zeros((int(self._return_days.max()) + 2, n), dtype=np.int16)
        self._counted = 0
        demand_, sales, available = (np.zeros((total_days, n), dtype=np.int16) for _ in range(3))
        self.history = History(demand_, sales, available, pairs.base, vendors.codes)
        self._rows = {
            "unmet": Rows(UNMET_COLUMNS),
            "returns": Rows(RETURN_COLUMNS),
            "counts": Rows(COUNT_COLUMNS),
            "shrinkage": Rows(LOSS_COLUMNS),
            "expiries": Rows(LOSS_COLUMNS),
        }

    def state_stock(self, day: int) -> None:
        """Keep the book's units at the opening of `day`."""
        self.history.on_hand[day] = self._physical + self._missing

    def live_day(self, day: int) -> None:
        """One day: the morning's arrivals, the managers' orders, the customers, the evening's losses and counts."""
        rng = open_stream(self._seed, "day", day + BURN_IN_DAYS)
        trading = (self._pairs.start_day <= day) & (day < self._pairs.close_day)
        self._open(day)
        self._send_back(day, rng)
        book = self._physical + self._missing
        self._managers.review(day, book, self._physical, self._purchases, self._transfers, rng)
        self._physical -= self._transfers.collect()
        available = self._physical.copy()
        wanted = self._demand.draw(day, trading, rng)
        wanted = np.where(day < self._pairs.end_day, wanted, np.minimum(wanted, available))  # who asks, has seen it
        sales = np.minimum(wanted, available)
        sales = sales + self._disappoint(day, wanted - sales, available - sales, trading, rng)
        self._physical -= sales
        if day >= 0:
            self.history.demand[day], self.history.sales[day] = wanted, sales
            self.history.available[day] = available
        self._managers.learn(sales, available)
        self._take_back(day, sales, rng)
        lost = self._shrinkage.lose(sales, self._physical, rng)
        self._physical -= lost
        self._missing += lost
        self._count(day, trading)
        if day >= 0:
            unlucky = np.nonzero(lost)[0]
            self._rows["shrinkage"].add(day, unlucky, lost[unlucky])

    def close(self) -> History:
        """The history, with all its rows."""
        for name, rows in self._rows.items():
            setattr(self.history, name, rows.tabulate())
        self.history.purchases = self._purchases.tabulate()
        self.history.transfers = self._transfers.tabulate()
        return self.history

    def _open(self, day: int) -> None:
        """What comes and is written off before the doors open."""
        column = day + BURN_IN_DAYS
        starting = np.nonzero(self._pairs.start_day == day)[0]
        first = self._managers.fill_display(starting) if len(starting) else starting
        if day > -BURN_IN_DAYS and (first > 0).any():
            self._purchases.place_first(day, starting[first > 0], first[first > 0])
        slot = column % len(self._back)
        bought = self._purchases.receive(day)
        if day == -BURN_IN_DAYS:
            bought[starting] += first
        self._physical += bought + self._transfers.receive(day) + self._back[slot]
        self._back[slot] = 0
        self._expiry.note(bought)
        if column % 7 == 6:
            self._expire(day, column // 7)

    def _expire(self, day: int, week: int) -> None:
        """Write off what will be past its date next week, what nobody finds of it included."""
        expired = self._expiry.expire(week, self._physical + self._missing)
        lost = np.minimum(expired, self._missing)
        self._missing -= lost
        self._physical -= expired - lost
        if day >= 0:
            old = np.nonzero(expired)[0]
            self._rows["expiries"].add(day, old, expired[old])

    def _send_back(self, day: int, rng: np.random.Generator) -> None:
        """Ship what closing stores hold, and what is left of old styles, to the warehouse."""
        closing = np.nonzero((self._pairs.close_day == day) & (self._physical + self._missing > 0))[0]
        if len(closing):
            self._transfers.send_back(day, closing, self._physical, FROM_CLOSING, rng)
            short = closing[self._missing[closing] > 0]
            self._write_off(day, short)
        over = (self._pairs.end_day + RECALL_DAYS == day) & self._pairs.is_shop & (self._pairs.close_day > day)
        over = np.nonzero(over & (self._physical > 0))[0]
        self._transfers.send_back(day, over, self._physical, RECALLED, rng)
        self._physical -= self._transfers.collect()

    def _disappoint(self, day: int, unmet: Ints, left: Ints, trading: Flags, rng: np.random.Generator) -> Ints:
        """Note what became of the units wanted in vain; returns what was sold in their place, by pair."""
        pair, outcome, other = self._reactions.settle(unmet, left, trading & self._pairs.is_shop, rng)
        arrives = np.full(len(pair), -1)
        ordered = np.unique(pair[outcome == SPECIAL_ORDER])
        if len(ordered):
            mine = outcome == SPECIAL_ORDER
            quantity = np.bincount(pair[mine], minlength=len(unmet))[ordered]
            due = self._purchases.place(day, ordered, quantity, SPECIAL, rng)
            arrives[mine] = due[np.searchsorted(ordered, pair[mine])]
            never = mine & (arrives >= self._pairs.close_day[pair])
            outcome[never], arrives[never] = LOST, -1
        if day >= 0:
            self._rows["unmet"].add(day, pair, np.ones(len(pair), dtype=np.int64), outcome, other, arrives)
        instead: Ints = np.bincount(other[other >= 0], minlength=len(unmet))
        return instead

    def _take_back(self, day: int, sales: Ints, rng: np.random.Generator) -> None:
        """Decide which of today's units come back, when, and in which state."""
        sold = np.nonzero(sales)[0]
        quantity = rng.binomial(sales[sold], self._return_share[sold])
        due = day + rng.integers(self._return_days[0, sold], self._return_days[1, sold] + 1)
        returned = (quantity > 0) & (due < self._pairs.close_day[sold])
        sold, quantity, due = sold[returned], quantity[returned], due[returned]
        good, opened, damaged = rng.multinomial(quantity, RETURN_STATES).T
        self._back[(due + BURN_IN_DAYS) % len(self._back), sold] += good.astype(np.int16)
        self._rows["returns"].add(day, due, sold, quantity, good, opened, damaged)

    def _count(self, day: int, trading: Flags) -> None:
        """Count what is due this evening: the book then says what is there."""
        counted = self._shrinkage.is_counted(day + BURN_IN_DAYS, trading)
        pair = np.nonzero(counted & (self._physical + self._missing > 0))[0]
        if len(pair) and day >= 0:
            shelf, number = np.unique(self._shrinkage.shelf[pair], return_inverse=True)
            book = self._physical[pair] + self._missing[pair]
            self._rows["counts"].add(self._counted + number, day, pair, book, self._physical[pair])
            self._counted += len(shelf)
        self._missing[pair] = 0

    def _write_off(self, day: int, pair: Ints) -> None:
        """What a closing store could not ship because it was not there."""
        if len(pair) and day >= 0:
            none = np.zeros(len(pair), dtype=np.int64)
            self._rows["counts"].add(self._counted, day, pair, self._missing[pair], none)
            self._counted += 1
        self._missing[pair] = 0


def simulate(chain: Chain, total_days: int, statement_days: list[int], tick: Callable[[int, int], None]) -> History:
    """Run burn-in and history. Every day draws from its own stream, so a longer run begins with the same history."""
    for day in range(-BURN_IN_DAYS, total_days):
        if day in statement_days:
            chain.state_stock(day)
        chain.live_day(day)
        tick(day + BURN_IN_DAYS + 1, total_days + BURN_IN_DAYS)
    chain.state_stock(total_days)
    return chain.close()
