"""Who works in the stores: users by name, and how good an optometrist is at what follows a test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ims.demo.days import Floats, Ints
from ims.demo.luck import Keys, Luck
from ims.demo.names import name_people
from ims.demo.world import World

SALES_MAX, OPTOMETRISTS = 5, 2
CONVERSION, SPREAD = 0.68, 0.07
HEAD_OFFICE = ("buyer", "accounts", "operations")


@dataclass(frozen=True)
class Staff:
    """users: username, full_name, email, is_active. Usernames are `s01.sales2`, `s01.opto1`, `hq.buyer`."""

    users: pl.DataFrame
    codes: list[str]
    sellers: Ints
    conversion: Floats

    def manager(self, store: Ints) -> pl.Series:
        """The manager of each store."""
        return self._name(store, "manager")

    def technician(self, store: Ints) -> pl.Series:
        """Who mounts the lenses."""
        return self._name(store, "tech")

    def seller(self, luck: Luck, store: Ints, key: Keys) -> pl.Series:
        """Who served: a store's sellers take about equal turns."""
        number = 1 + (luck.uniform("seller", key) * self.sellers[store]).astype(np.int64)
        return self._name(store, "sales", number)

    def optometrist(self, luck: Luck, store: Ints, key: Keys, converts: Floats) -> pl.Series:
        """Who tested. Given whether the patient buys (1 or 0), those who convert more are the likelier for 1."""
        own = self.conversion[store]
        weight = np.where(converts[:, None] > 0, own, 1.0 - own)
        edges = np.cumsum(weight, axis=1)
        number = 1 + (luck.uniform("optometrist", key)[:, None] > edges / edges[:, -1:]).sum(axis=1)
        return self._name(store, "opto", number)

    def _name(self, store: Ints, role: str, number: Ints | None = None) -> pl.Series:
        frame = pl.DataFrame({"store": store, "number": number if number is not None else np.zeros(len(store), int)})
        code = pl.col("store").replace_strict(dict(enumerate(self.codes)), return_dtype=pl.String)
        tail = pl.lit("") if number is None else pl.col("number").cast(pl.String)
        return frame.select(pl.format("{}.{}{}", code, pl.lit(role), tail)).to_series()


def draw_staff(world: World) -> Staff:
    """A manager, three to five sellers, two optometrists and a technician in each store; three people at the office."""
    luck = Luck(world.seed)
    stores = len(world.stores.codes)
    codes = [c.lower() for c in world.stores.codes] + ["wh01"]
    sellers = np.clip(np.rint(3.5 * world.stores.size), 3, SALES_MAX).astype(np.int64)
    sellers = np.append(sellers, 1)
    names = [f"hq.{who}" for who in HEAD_OFFICE]
    for s, code in enumerate(codes):
        names += [f"{code}.manager", f"{code}.tech"]
        names += [f"{code}.sales{i + 1}" for i in range(sellers[s])]
        names += [f"{code}.opto{i + 1}" for i in range(OPTOMETRISTS if s < stores else 0)]
    key = np.arange(len(names)) + 5_000_000_000
    women = luck.uniform("staff gender", key) < 0.4
    users = pl.DataFrame({"username": names}).with_columns(
        full_name=name_people(luck, key, key, women),
        email=pl.format("{}@drishva.example", pl.col("username")),
        is_active=pl.lit(True),
    )
    skill = luck.normal("skill", np.arange((stores + 1) * OPTOMETRISTS)).reshape(-1, OPTOMETRISTS)
    return Staff(users, codes, sellers, np.clip(CONVERSION + SPREAD * skill, 0.4, 0.92))
