"""Writes the demo chain: draws the chain, lives its history, and hands the tables to the folder writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ims.demo.assortment import tabulate_assortment
from ims.demo.baskets import Till
from ims.demo.catalogue import tabulate_products, tabulate_supply, tabulate_vendors
from ims.demo.folder import write_folder
from ims.demo.history import History
from ims.demo.parameters import Profile, read_profile
from ims.demo.statements import (
    is_ranged,
    label_pairs,
    tabulate_availability,
    tabulate_open_orders,
    tabulate_stock,
)
from ims.demo.stores import tabulate_stores
from ims.demo.truth import write_truth
from ims.demo.world import World, draw_world, live

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
    world: World
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
    days = chain.world.profile.weeks * 7
    labels = label_pairs(chain.world.pairs, chain.world.catalogue, chain.world.stores)
    till = Till(
        chain.world.pairs, chain.world.catalogue, chain.world.categories, chain.world.stores, chain.world.start, seed
    )
    report = progress or _ignore
    periods = [(0, days)] + [(days + 7 * week, days + 7 * (week + 1)) for week in range(then_weeks)]
    folders = [out] + [out.parent / f"week-{week + 1}" for week in range(then_weeks)]
    told = []
    for number, (folder, (first, end)) in enumerate(zip(folders, periods, strict=True)):
        report("Writing the chain folder", number, len(folders))
        tables = _introduce(chain) if number == 0 else {}
        tables |= _tell(chain, till, labels, first, end)
        told.append(tables)
        as_of_then = chain.world.start + timedelta(days=end)
        write_folder(folder, chain.world.profile.chain, as_of_then, tables, chain.world.profile.parquet)
        if truth is not None:
            write_truth(truth, number, chain.history, chain.world, labels, first, end)
    report("Writing the chain folder", len(folders), len(folders))
    return _summarise(chain, folders, told[0])


def _ignore(description: str, done: int, total: int) -> None:
    """Progress for callers that want none."""


def _live(profile: Profile, seed: int, as_of: date | None, then_weeks: int, progress: Progress | None) -> _Chain:
    world = draw_world(profile, seed, as_of, then_weeks)
    return _Chain(world, live(world, progress=progress))


def _introduce(chain: _Chain) -> dict[str, pl.DataFrame]:
    """The files only a first folder needs."""
    return {
        "stores": tabulate_stores(chain.world.stores, chain.world.profile, chain.world.start),
        "products": tabulate_products(
            chain.world.catalogue, chain.world.categories, chain.world.start, chain.world.as_of
        ),
        "vendors": tabulate_vendors(chain.world.catalogue),
        "supply": tabulate_supply(chain.world.catalogue, chain.world.categories),
        "assortment": tabulate_assortment(
            chain.world.pairs, chain.world.catalogue, chain.world.stores, chain.world.start
        ),
    }


def _tell(chain: _Chain, till: Till, labels: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """The files that say what happened on first <= day < end and what stands at the opening of `end`."""
    history, pairs, start = chain.history, chain.world.pairs, chain.world.start
    return {
        "sales": till.write_receipts(history, first, end),
        "availability": tabulate_availability(history, pairs, labels, start, first, end),
        "stock": tabulate_stock(history, pairs, labels, start, end),
        "open_orders": tabulate_open_orders(history, pairs, chain.world.catalogue, labels, start, end),
    }


def _summarise(chain: _Chain, folders: list[Path], tables: dict[str, pl.DataFrame]) -> DemoSummary:
    days = chain.world.profile.weeks * 7
    history, pairs = chain.history, chain.world.pairs
    ranged = is_ranged(pairs, 0, days)
    available, sold = history.available[:days], history.sales[:days]
    turns = {}
    for index, category in enumerate(chain.world.categories):
        own = (pairs.category == index) & pairs.is_shop
        stock = float(available[:, own].sum()) / days
        turns[category.key] = float(sold[:, own].sum()) / days * 365 / stock
    sales = tables["sales"]
    returned = -int(sales.filter(pl.col("quantity") < 0)["quantity"].sum())
    return DemoSummary(
        folder=folders[0],
        as_of=chain.world.as_of,
        history_starts_on=chain.world.start,
        rows={name: len(frame) for name, frame in tables.items()},
        stock_out_share=float(((available == 0) & ranged).sum() / ranged.sum()),
        fill_share=float(1 - history.unmet["quantity"].sum() / history.demand.sum()),
        return_share=returned / float(sold.sum()),
        turns=turns,
        weeks=folders[1:],
    )
