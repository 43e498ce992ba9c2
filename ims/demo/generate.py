"""Writes the demo chain: draws the chain, lives its history, and hands the tables to the folder writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ims.demo.assortment import Pairs, draw_pairs, tabulate_assortment
from ims.demo.baskets import Till
from ims.demo.catalogue import (
    Catalogue,
    draw_catalogue,
    tabulate_products,
    tabulate_supply,
    tabulate_vendors,
)
from ims.demo.days import BURN_IN_DAYS
from ims.demo.folder import write_folder
from ims.demo.lifecycle import curve
from ims.demo.ordering import Managers
from ims.demo.parameters import Category, Profile, read_categories, read_profile
from ims.demo.reserve import tabulate_reserve
from ims.demo.seasons import index_days
from ims.demo.simulation import History, simulate
from ims.demo.statements import (
    is_ranged,
    label_pairs,
    tabulate_availability,
    tabulate_open_orders,
    tabulate_stock,
)
from ims.demo.stores import Stores, draw_stores, tabulate_stores
from ims.demo.truth import write_truth

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DemoSummary:
    """What was written. Shares are 0-1 over the history; turns are units sold a year per unit on hand, by category."""

    folder: Path
    as_of: date
    history_starts_on: date
    rows: dict[str, int]
    stock_out_share: float
    fill_share: float
    return_share: float
    turns: dict[str, float]
    weeks: list[Path]


@dataclass(frozen=True)
class _Chain:
    profile: Profile
    seed: int
    categories: list[Category]
    start: date
    as_of: date
    stores: Stores
    catalogue: Catalogue
    pairs: Pairs
    history: History


def write_chain(
    out: Path,
    profile: str = "ci",
    seed: int = 7,
    as_of: date | None = None,
    progress: Progress | None = None,
    truth: Path | None = None,
    then_weeks: int = 0,
) -> DemoSummary:
    """Write a chain folder to `out`; the same arguments write the same bytes.

    `as_of` (default: the profile's) ends the history, which is the profile's weeks long. With `then_weeks`, what
    the next weeks bring is written to `week-1`, `week-2`, ... beside `out`, each complete as of seven days later;
    the first folder does not change by it. `truth` names a folder for the true demand, which no planner may see.
    `progress(description, done, total)` is called as days go by. ValueError for an unknown profile, a negative
    then_weeks, or a truth folder inside `out`.
    """
    if then_weeks < 0:
        raise ValueError(f"then_weeks is {then_weeks}; it counts the weeks after the first folder, 0 or more.")
    if truth is not None and truth.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"The truth folder {truth} lies inside the chain folder {out}; give one outside of it.")
    chain = _live(read_profile(profile), seed, as_of, then_weeks, progress)
    days = chain.profile.weeks * 7
    labels = label_pairs(chain.pairs, chain.catalogue, chain.stores)
    till = Till(chain.pairs, chain.catalogue, chain.categories, chain.stores, chain.start, seed)
    report = progress or _ignore
    periods = [(0, days)] + [(days + 7 * week, days + 7 * (week + 1)) for week in range(then_weeks)]
    folders = [out] + [out.parent / f"week-{week + 1}" for week in range(then_weeks)]
    told = []
    for number, (folder, (first, end)) in enumerate(zip(folders, periods, strict=True)):
        report("Writing the chain folder", number, len(folders))
        tables = _introduce(chain) if number == 0 else {}
        tables |= _tell(chain, till, labels, first, end)
        told.append(tables)
        as_of_then = chain.start + timedelta(days=end)
        write_folder(folder, chain.profile.chain, as_of_then, tables, chain.profile.parquet)
        if truth is not None:
            write_truth(truth, number, chain.history, chain.pairs, labels, chain.start, first, end)
    report("Writing the chain folder", len(folders), len(folders))
    return _summarise(chain, folders, told[0])


def _ignore(description: str, done: int, total: int) -> None:
    """Progress for callers that want none."""


def _live(profile: Profile, seed: int, as_of: date | None, then_weeks: int, progress: Progress | None) -> _Chain:
    categories = read_categories()
    ends_on = as_of or profile.as_of
    days = profile.weeks * 7
    start = ends_on - timedelta(days=days)
    stores = draw_stores(profile, seed)
    catalogue = draw_catalogue(profile, categories, seed)
    pairs = draw_pairs(profile, categories, catalogue, stores, seed)
    first = start - timedelta(days=BURN_IN_DAYS)
    count = BURN_IN_DAYS + days + 7 * then_weeks
    dates = [first + timedelta(days=i) for i in range(count)]
    day_of_year = np.array([d.timetuple().tm_yday for d in dates])
    day = np.arange(count) - BURN_IN_DAYS
    life = np.concatenate(
        [curve(lives, c, day, day_of_year) for lives, c in zip(catalogue.lives, categories, strict=True)]
    )
    report = progress or _ignore
    history = simulate(
        pairs,
        categories,
        index_days(categories, first, count, start),
        life,
        Managers(pairs, categories, catalogue, start, profile, seed),
        [days + 7 * week for week in range(then_weeks + 1)],
        seed,
        lambda done, total: report("Living the chain's history", done, total),
    )
    return _Chain(profile, seed, categories, start, ends_on, stores, catalogue, pairs, history)


def _introduce(chain: _Chain) -> dict[str, pl.DataFrame]:
    """The files only a first folder needs."""
    return {
        "stores": tabulate_stores(chain.stores, chain.profile, chain.start),
        "products": tabulate_products(chain.catalogue, chain.categories, chain.start, chain.as_of),
        "vendors": tabulate_vendors(chain.catalogue),
        "supply": tabulate_supply(chain.catalogue, chain.categories),
        "assortment": tabulate_assortment(chain.pairs, chain.catalogue, chain.stores, chain.start),
    }


def _tell(chain: _Chain, till: Till, labels: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """The files that say what happened on first <= day < end and what stands at the opening of `end`."""
    history, pairs, start = chain.history, chain.pairs, chain.start
    stock = tabulate_stock(history, pairs, labels, start, end)
    if chain.profile.warehouse:
        then = start + timedelta(days=end)
        stock.vstack(tabulate_reserve(chain.catalogue, pairs, history, then, end, chain.seed), in_place=True)
    return {
        "sales": till.write_receipts(history, first, end),
        "availability": tabulate_availability(history, pairs, labels, start, first, end),
        "stock": stock,
        "open_orders": tabulate_open_orders(history, pairs, chain.catalogue, labels, start, end),
    }


def _summarise(chain: _Chain, folders: list[Path], tables: dict[str, pl.DataFrame]) -> DemoSummary:
    days = chain.profile.weeks * 7
    history, pairs = chain.history, chain.pairs
    ranged = is_ranged(pairs, 0, days)
    available, sold = history.available[:days], history.sales[:days]
    turns = {}
    for index, category in enumerate(chain.categories):
        own = pairs.category == index
        stock = float(available[:, own].sum()) / days
        turns[category.key] = float(sold[:, own].sum()) / days * 365 / stock
    sales = tables["sales"]
    returned = -int(sales.filter(pl.col("quantity") < 0)["quantity"].sum())
    return DemoSummary(
        folder=folders[0],
        as_of=chain.as_of,
        history_starts_on=chain.start,
        rows={name: len(frame) for name, frame in tables.items()},
        stock_out_share=float(((available == 0) & ranged).sum() / ranged.sum()),
        fill_share=float(sold[ranged].sum() / history.demand[:days][ranged].sum()),
        return_share=returned / float(sold.sum()),
        turns=turns,
        weeks=folders[1:],
    )
