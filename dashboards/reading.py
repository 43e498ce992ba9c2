"""Who reads a board, of which publication, with what chosen: what every block of it is given, and asks through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from api.identity.principal import SignedIn
from api.identity.scope import Scope
from dashboards.board import Block, Board, can_be_fixed
from dashboards.figures import ask, may_see
from dashboards.members import name_members
from dashboards.passport import Passport
from dashboards.periods import choose_grain
from dashboards.selection import Selection
from warehouse.catalogue import Metric, catalogue
from warehouse.formats import format_metric
from warehouse.scope import InvalidQuery

GRAINS = ("day", "week", "month")
OF_AN_ITEM = {"category", "subcategory", "brand"}  # an item has one of each


@dataclass(frozen=True)
class Reading:
    """One look at a board."""

    board: Board
    user: SignedIn
    scope: Scope
    passport: Passport
    selection: Selection

    def shown(self, names: Sequence[str]) -> list[Metric]:
        """Those of the figures that may be seen and can be limited by what is fixed."""
        found = [catalogue()[name] for name in names]
        return [metric for metric in found if may_see(metric, self.scope) and self.selection.fits(metric)]

    def ask(self, metrics: list[Metric], by: tuple[str, ...] = (), *, beside: bool = False) -> pl.DataFrame:
        """The figures as the selection limits them; `beside` brings the compared ones where there is such a thing.

        A comparison that cannot be made leaves the figures alone: there are no `_before` columns then.
        """
        question = self.selection.question(metrics, by, beside=beside)
        try:
            return ask(self.passport.snapshot_id, self.scope, question)
        except InvalidQuery:
            if question.beside is None:
                raise
            return self.ask(metrics, by)

    def grain(self, metrics: list[Metric]) -> str | None:
        """The finest time that the period and all of the figures allow; None for figures of one moment."""
        usual = choose_grain(self.selection.begin, self.selection.end, self.passport.sales_grain)
        fitting = GRAINS[GRAINS.index(usual) :]
        return next((grain for grain in fitting if all(grain in metric.splits for metric in metrics)), None)

    def level(self, block: Block) -> str:
        """Where the reader stands in the block: the first level that is not fixed, or the last there is."""
        fixed = self.selection.fixed
        known = fixed | OF_AN_ITEM if "sku" in fixed else fixed
        return next((level for level in block.levels if level not in known), block.levels[-1])

    def name(self, level: str, codes: Iterable[object]) -> list[str]:
        """What people call these members of a dimension, in their order."""
        return name_members(level, codes, self.passport.snapshot_id, self.scope, self.user)

    def words(self, metric: Metric) -> Callable[[float], str]:
        """How the figure's values are written in a chart."""
        return lambda value: format_metric(value, metric.unit, self.passport.currency, compact=True)


def can_dig(block: Block, level: str) -> bool:
    """Whether a value of the level can be fixed, with a further level behind it."""
    return can_be_fixed(level) and level != block.levels[-1]
