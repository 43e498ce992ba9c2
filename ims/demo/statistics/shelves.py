"""Figures of stock and service: turns, stock-outs, fill, what customers did instead, shrinkage, returns, expiry."""

from __future__ import annotations

import numpy as np

from ims.demo.history import History
from ims.demo.reactions import ELSEWHERE, LOST, SPECIAL_ORDER, SUBSTITUTED
from ims.demo.statements import is_ranged
from ims.demo.world import World

REACTIONS = {"substituted": SUBSTITUTED, "special order": SPECIAL_ORDER, "elsewhere": ELSEWHERE, "lost": LOST}


def measure_shelves(world: World, history: History) -> dict[str, float]:
    """By category: turn (units sold a year per unit in stores), stock-outs, fill, units in a store, returns."""
    pairs, days = world.pairs, world.days
    ranged = is_ranged(pairs, 0, days)
    out_of_stock = ranged & (history.available[:days] == 0)
    ranged_days, out_days = ranged.sum(axis=0), out_of_stock.sum(axis=0)
    demand, sold = (x[:days].sum(axis=0, dtype=np.int64) for x in (history.demand, history.sales))
    stock = history.available[:days].sum(axis=0, dtype=np.int64)
    unmet = _sum_by_pair(history, "unmet", len(pairs.sku), days)
    returned = _sum_by_pair(history, "returns", len(pairs.sku), days)
    lost = _sum_by_pair(history, "shrinkage", len(pairs.sku), days)
    expired = _sum_by_pair(history, "expiries", len(pairs.sku), days)
    open_days = (np.minimum(world.stores.close_day, days) - np.maximum(world.stores.open_day, 0)).sum()
    cells = pairs.category == next(i for i, c in enumerate(world.categories) if c.key == "lenses")
    back = history.returns.filter(history.returns["day"] < days)
    figures = {
        "stock-out / all but lens cells": out_days[~cells].sum() / ranged_days[~cells].sum(),
        "returned good / all": back["good"].to_numpy().sum() / back["quantity"].to_numpy().sum(),
        "stock-out / all": out_days.sum() / ranged_days.sum(),
        "fill / all": 1 - unmet.sum() / demand.sum(),
        "turn / all": sold[pairs.is_shop].sum() * 365 / stock[pairs.is_shop].sum(),
        "returned / all": returned.sum() / sold.sum(),
        "shrinkage / all": lost.sum() / sold.sum(),
    }
    for index, category in enumerate(world.categories):
        own = (pairs.category == index) & pairs.is_shop
        figures |= {
            f"turn / {category.key}": sold[own].sum() * 365 / stock[own].sum(),
            f"stock-out / {category.key}": out_days[own].sum() / ranged_days[own].sum(),
            f"fill / {category.key}": 1 - unmet[own].sum() / demand[own].sum(),
            f"on hand / {category.key}": stock[own].sum() / open_days,
            f"ranged / {category.key}": ranged_days[own].sum() / open_days,
            f"wanted / {category.key}": demand[own].sum() / open_days,
            f"returned / {category.key}": returned[own].sum() / sold[own].sum(),
        }
        if category.shelf_life_days:
            figures[f"expired / {category.key}"] = expired[own].sum() / sold[own].sum()
    return {name: float(value) for name, value in figures.items()} | _measure_reactions(world, history)


def _sum_by_pair(history: History, rows: str, pairs: int, days: int) -> np.ndarray:
    frame = getattr(history, rows)
    frame = frame.filter(frame["day"] < days)
    return np.bincount(frame["pair"].to_numpy(), frame["quantity"].to_numpy(), minlength=pairs)


def _measure_reactions(world: World, history: History) -> dict[str, float]:
    """Shares of what was wanted in vain, of the categories in which customers choose."""
    chooses = [i for i, c in enumerate(world.categories) if c.key not in ("lenses", "contact_lenses")]
    outcome = history.unmet["outcome"].to_numpy()
    outcome = outcome[np.isin(world.pairs.category[history.unmet["pair"].to_numpy()], chooses)]
    return {f"reaction / {name}": float((outcome == code).mean()) for name, code in REACTIONS.items()}
