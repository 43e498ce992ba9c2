"""How vendors deliver: late, short, with units to refuse, one of them worse every year; and what is on its way."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs
from ims.demo.catalogue import Catalogue
from ims.demo.days import Floats, Ints
from ims.demo.streams import open_stream

STOCK, FIRST_STOCK, SPECIAL = range(3)  # kinds of purchase lines
SHORT_SHARE = 0.08  # of order lines arrive short
REJECTED_SHARE = 0.015  # of delivered units are refused
UNPROMISED_SHARE = 0.05  # of orders are placed without a date
VAGUE_SHARE = 0.10  # of order lines keep the date of ordering instead of the one the vendor confirmed later
LONGEST_LEAD = 150
PURCHASE_COLUMNS = (
    "order", "day", "pair", "vendor", "quantity", "promised_day", "eta_day", "arrival_day", "received", "rejected",
    "kind",
)  # fmt: skip


class Vendors:
    """Who supplies each pair, and how long each delivery takes."""

    def __init__(self, pairs: Pairs, catalogue: Catalogue, start: date, worsens_on: int, seed: int) -> None:
        codes, supplier = np.unique(catalogue.column("vendor_code").astype(str), return_inverse=True)
        self.codes: list[str] = codes.tolist()
        self.of_pair: Ints = supplier[pairs.sku]
        self.lead_mean: Floats = catalogue.column("lead_mean")[pairs.sku]
        self.lead_sd: Floats = catalogue.column("lead_sd")[pairs.sku]
        self._sigma = np.sqrt(np.log1p((self.lead_sd / self.lead_mean) ** 2))
        self._imported = catalogue.column("is_imported")[pairs.sku]
        self.failing = int(open_stream(seed, "failing vendor").integers(0, len(self.codes)))
        self._start, self._worsens_on = start, worsens_on

    def draw_lead(self, day: int, pair: Ints, luck: Floats) -> Ints:
        """Lognormal days of what is ordered on `day`; `luck` is standard normal, one value per pair named."""
        sigma = self._sigma[pair]
        days = self.lead_mean[pair] * np.exp(sigma * luck - 0.5 * sigma**2)
        if day > self._worsens_on:
            days = np.where(self.of_pair[pair] == self.failing, 1.5 * days, days)
        today = self._start + timedelta(days=day)
        if (1, 15) <= (today.month, today.day) <= (2, 15):  # the Chinese New Year closes the makers
            days = np.where(self._imported[pair], days + 15, days)
        lead: Ints = np.clip(np.rint(days), 1, LONGEST_LEAD).astype(np.int64)
        return lead

    def promise(self, pair: Ints) -> Ints:
        """Days a vendor promises when the order is placed: the usual time and a margin."""
        promised: Ints = np.rint(self.lead_mean[pair] + 0.5 * self.lead_sd[pair]).astype(np.int64)
        return promised


class Purchases:
    """Purchase orders from placing to arrival; an order is what one store orders from one vendor on one day."""

    def __init__(self, pairs: Pairs, vendors: Vendors) -> None:
        self.on_order = np.zeros(len(pairs.sku), dtype=np.int64)
        self._pairs, self._vendors = pairs, vendors
        self._due: dict[int, list[tuple[Ints, Ints, Ints]]] = {}
        self._rows: list[Ints] = []
        self._orders = 0

    def place(self, day: int, pair: Ints, quantity: Ints, kind: int, rng: np.random.Generator) -> Ints:
        """Order `quantity` of each pair named, once each; returns the day each line arrives."""
        vendor = self._vendors.of_pair[pair]
        order, shipment = np.unique(
            self._pairs.store[pair] * len(self._vendors.codes) + vendor, return_inverse=True
        )  # what is ordered together arrives together
        luck = rng.normal(0.0, 1.0, len(order))[shipment]
        lead = self._vendors.draw_lead(day, pair, luck)
        short = rng.random(len(pair)) < SHORT_SHARE
        received = np.where(short, quantity // 2, quantity)
        rejected = rng.binomial(received, REJECTED_SHARE)
        told = rng.random(len(order))[shipment] >= UNPROMISED_SHARE
        usual = day + self._vendors.promise(pair)
        promised = np.where(told, usual, -1)
        eta = np.where(rng.random(len(pair)) < VAGUE_SHARE, usual, day + lead)
        self._note(day, pair, quantity, promised, eta, day + lead, received, rejected, order, shipment, kind)
        return day + lead

    def place_first(self, day: int, pair: Ints, quantity: Ints) -> None:
        """What a launch or an opening starts with: ordered in time, complete and there in the morning of `day`."""
        vendor = self._vendors.of_pair[pair]
        order, shipment = np.unique(self._pairs.store[pair] * len(self._vendors.codes) + vendor, return_inverse=True)
        longest = np.zeros(len(order))
        np.maximum.at(longest, shipment, self._vendors.lead_mean[pair])
        ordered = day - longest[shipment].astype(np.int64)
        arrival = np.full(len(pair), day)
        none = np.zeros(len(pair), dtype=np.int64)
        self._note(ordered, pair, quantity, arrival, arrival, arrival, quantity, none, order, shipment, FIRST_STOCK)

    def _note(
        self,
        day: int | Ints,
        pair: Ints,
        quantity: Ints,
        promised: Ints,
        eta: Ints,
        arrival: Ints,
        received: Ints,
        rejected: Ints,
        order: Ints,
        shipment: Ints,
        kind: int,
    ) -> None:
        closed = arrival >= self._pairs.close_day[pair]
        received, rejected = np.where(closed, 0, received), np.where(closed, 0, rejected)
        number = self._orders + shipment
        self._orders += len(order)
        same = np.ones(len(pair), dtype=np.int64)
        vendor = self._vendors.of_pair[pair]
        self._rows.append(
            np.stack(
                [number, day * same, pair, vendor, quantity, promised, eta, arrival, received, rejected, kind * same]
            )
        )
        if kind != SPECIAL:
            np.add.at(self.on_order, pair, quantity)
            for due in np.unique(arrival).tolist():
                now = arrival == due
                self._due.setdefault(due, []).append((pair[now], quantity[now], (received - rejected)[now]))

    def receive(self, day: int) -> Ints:
        """Units accepted in the morning of `day`, by pair."""
        accepted = np.zeros(len(self.on_order), dtype=np.int64)
        for pair, ordered, good in self._due.pop(day, ()):
            np.subtract.at(self.on_order, pair, ordered)
            np.add.at(accepted, pair, good)
        return accepted

    def tabulate(self) -> pl.DataFrame:
        """Every line of every order that is open at day 0 or placed later."""
        frame = pl.DataFrame(dict(zip(PURCHASE_COLUMNS, np.concatenate(self._rows, axis=1), strict=True)))
        return frame.filter(pl.col("arrival_day") >= 0)
