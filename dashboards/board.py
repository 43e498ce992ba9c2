"""What a board shows, read from `boards/*.toml`: one question, the figures that answer it, and where to dig on.

A board names figures of the catalogue and ways to draw them; it defines none, and holds no code of its own.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dashboards.periods import SPANS
from warehouse.catalogue import Metric, catalogue
from warehouse.comparison import KINDS as COMPARISONS
from warehouse.dimensions import DIMENSIONS, is_time

FOLDER = Path(__file__).parent / "boards"
KINDS = ("answer", "course", "bars", "table", "heat", "pareto", "bridge", "multiples", "trials")


class InvalidBoard(ValueError):
    """An entry contradicts the catalogue or itself; the message names file and block."""


@dataclass(frozen=True)
class Block:
    """One picture or table, or what stands above the tiles: the answer, or why there is none.

    `levels` are the steps of digging: the first that no filter fixes splits the figures. The first of the metrics can
    be split by every level; another is shown where it can be. `width` is its share of a row, `most` how many names a
    chart shows, `empty` what is said in place of nothing.
    """

    kind: str
    metrics: tuple[str, ...]
    levels: tuple[str, ...] = ()
    title: str = ""
    width: float = 1.0
    most: int = 12
    empty: str = "Nothing in these days."


@dataclass(frozen=True)
class Board:
    """A view made of figures. `permission` opens it; a figure that its reader may not see is left out of it.

    `alerts`: so many open ones stand on top.
    """

    name: str
    title: str
    question: str
    icon: str
    group: str
    permission: str
    tiles: tuple[str, ...]
    blocks: tuple[Block, ...]
    filters: tuple[str, ...]
    span: str = "last_13_weeks"
    beside: str = "last_year"
    alerts: int = 0

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every figure it shows, once."""
        return tuple(dict.fromkeys([*self.tiles, *(name for block in self.blocks for name in block.metrics)]))


@lru_cache(maxsize=1)
def boards() -> tuple[Board, ...]:
    """All boards, by file name. Raises InvalidBoard."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def _read(path: Path) -> Board:
    given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    blocks = tuple(_block(path.stem, each) for each in given.pop("block", []))
    tiles = tuple(given.pop("tiles", ()))
    filters = tuple(given.pop("filters", ("store", "category")))
    board = Board(path.stem, tiles=tiles, blocks=blocks, filters=filters, **given)
    for name in board.tiles:
        _known(path.stem, name)
    if board.span not in SPANS or board.beside not in COMPARISONS:
        raise InvalidBoard(f"{path.name}: span {board.span!r} or beside {board.beside!r} is not one there is")
    return board


def _block(board: str, given: dict[str, Any]) -> Block:
    block = Block(metrics=tuple(given.pop("metrics", ())), levels=tuple(given.pop("levels", ())), **given)
    if block.kind not in KINDS or not block.metrics:
        raise InvalidBoard(f"{board}: a block is one of {', '.join(KINDS)} and names metrics, not {block}")
    if block.kind not in {"course", "trials"} and not block.levels:
        raise InvalidBoard(f"{board}: {block.kind} of {block.metrics[0]} needs levels")
    first, *_ = [_known(board, name) for name in block.metrics]
    unfit = [level for level in block.levels if level not in first.splits]
    if unfit:
        raise InvalidBoard(f"{board}: {first.name} cannot be split by {', '.join(unfit)}")
    return block


def _known(board: str, name: str) -> Metric:
    metric = catalogue().get(name)
    if metric is None:
        raise InvalidBoard(f"{board}: no metric {name!r}")
    return metric


def can_be_fixed(level: str) -> bool:
    """Whether one can dig into a value of it: a store or a category, not a week."""
    return level in DIMENSIONS and not is_time(level)
