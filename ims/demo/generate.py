"""Writes the demo chain: draws the chain, lives its history, and hands the tables to the folder writer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ims.demo.assortment import tabulate_assortment
from ims.demo.catalogue import tabulate_products, tabulate_supply, tabulate_vendors
from ims.demo.defects.inject import inject, write_ledger
from ims.demo.folder import write_folder
from ims.demo.parameters import read_profile
from ims.demo.people import LATER_DAYS
from ims.demo.records.folder_files import Telling, prepare, tabulate_records
from ims.demo.records.masters import complete_products, complete_stores, complete_vendors
from ims.demo.statements import (
    is_ranged,
    label_pairs,
    tabulate_availability,
    tabulate_open_orders,
    tabulate_stock,
)
from ims.demo.stores import tabulate_stores
from ims.demo.story import Story, tell_story
from ims.demo.truth import write_truth
from ims.demo.world import Progress, draw_world

MOST_WEEKS = LATER_DAYS // 7


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


def write_chain(
    out: Path,
    profile: str = "ci",
    seed: int = 7,
    as_of: date | None = None,
    progress: Progress | None = None,
    truth: Path | None = None,
    then_weeks: int = 0,
    defects: Path | None = None,
) -> DemoSummary:
    """Write a chain folder to `out`; the same arguments write the same bytes.

    `as_of` (default: the profile's) ends the history, which is the profile's weeks long. With `then_weeks`, what
    the next weeks bring is written to `week-1`, `week-2`, ... beside `out`, each complete as of seven days later;
    the first folder does not change by it. `truth` names a folder for the true demand, which no planner may see.
    `defects` names a folder, outside of `out` too: the first folder then has defects, and `defects.csv` there says
    which, and which check finds each.
    `progress(description, done, total)` is called as days go by. ValueError for an unknown profile, a negative
    then_weeks, or a truth folder inside `out`.
    """
    if not 0 <= then_weeks <= MOST_WEEKS:
        raise ValueError(f"then_weeks is {then_weeks}; it counts the weeks after the first folder, 0 to {MOST_WEEKS}.")
    for kept in (truth, defects):
        if kept is not None and kept.resolve().is_relative_to(out.resolve()):
            raise ValueError(f"The truth folder {kept} lies inside the chain folder {out}; give one outside of it.")
    world = draw_world(read_profile(profile), seed, as_of, then_weeks)
    ends = [world.days + 7 * week for week in range(then_weeks + 1)]
    story = tell_story(world, [0, *ends], progress)
    telling = prepare(story)
    labels = label_pairs(world.pairs, world.catalogue, world.stores)
    report = progress or _ignore
    folders = [out] + [out.parent / f"week-{week + 1}" for week in range(then_weeks)]
    rows: dict[str, int] = {}
    for number, (folder, first, end) in enumerate(zip(folders, [0, *ends], ends, strict=False)):
        report("Writing the chain folder", number, len(folders))
        tables = _introduce(story) if number == 0 else {}
        tables |= _state(story, labels, first, end) | tabulate_records(telling, first, end)
        if defects is not None and number == 0:
            tables, ledger = inject(tables, seed, world.as_of)
            write_ledger(defects, ledger)
        rows = rows or {name: len(frame) for name, frame in tables.items()}
        as_of_then = world.start + timedelta(days=end)
        write_folder(folder, world.profile.chain, as_of_then, tables)
        if truth is not None:
            write_truth(truth, number, story.history, world, labels, first, end)
    report("Writing the chain folder", len(folders), len(folders))
    return _summarise(telling, folders, rows)


def _ignore(description: str, done: int, total: int) -> None:
    """Progress for callers that want none."""


def _introduce(story: Story) -> dict[str, pl.DataFrame]:
    """The planner's files that only a first folder needs."""
    world = story.world
    products = tabulate_products(world.catalogue, world.categories, world.start, world.as_of)
    return {
        "stores": complete_stores(
            tabulate_stores(world.stores, world.profile, world.start), world.stores.codes, world.stores.size
        ),
        "products": complete_products(story, products),
        "vendors": complete_vendors(tabulate_vendors(world.catalogue)),
        "supply": tabulate_supply(world.catalogue, world.categories),
        "assortment": tabulate_assortment(world.pairs, world.catalogue, world.stores, world.start),
    }


def _state(story: Story, labels: pl.DataFrame, first: int, end: int) -> dict[str, pl.DataFrame]:
    """The planner's files of first <= day < end and of what stands at the opening of `end`."""
    history, pairs, start = story.history, story.world.pairs, story.world.start
    return {
        "availability": tabulate_availability(history, pairs, labels, start, first, end),
        "stock": tabulate_stock(history, pairs, labels, start, end),
        "open_orders": tabulate_open_orders(history, pairs, story.world.catalogue, labels, start, end),
    }


def _summarise(telling: Telling, folders: list[Path], rows: dict[str, int]) -> DemoSummary:
    world, history = telling.story.world, telling.story.history
    days, pairs = world.days, world.pairs
    ranged = is_ranged(pairs, 0, days)
    available, sold = history.available[:days], history.sales[:days]
    turns = {}
    for index, category in enumerate(world.categories):
        own = (pairs.category == index) & pairs.is_shop
        stock = float(available[:, own].sum()) / days
        turns[category.key] = float(sold[:, own].sum()) / days * 365 / stock
    returned = telling.story.returns.filter(pl.col("back_day") < days)["quantity"].sum()
    return DemoSummary(
        folder=folders[0],
        as_of=world.as_of,
        history_starts_on=world.start,
        rows=rows,
        stock_out_share=float(((available == 0) & ranged).sum() / ranged.sum()),
        fill_share=float(1 - history.unmet["quantity"].sum() / history.demand.sum()),
        return_share=float(returned) / float(sold.sum()),
        turns=turns,
        weeks=folders[1:],
    )
