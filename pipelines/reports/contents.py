"""What a pack holds, read from `pack.toml`: sections of figures, and the columns of the table of stores."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from warehouse.catalogue import Metric, catalogue

FILE = Path(__file__).with_name("pack.toml")


class InvalidPack(ValueError):
    """The file names a figure that there is not."""


@lru_cache(maxsize=1)
def sections() -> Mapping[str, tuple[Metric, ...]]:
    """The figures of each section by its title. Raises InvalidPack."""
    return {each["title"]: _known(each["metrics"]) for each in _read()["section"]}


@lru_cache(maxsize=1)
def columns() -> tuple[Metric, ...]:
    """The columns of the table of stores. Raises InvalidPack."""
    return _known(_read()["by_store"])


def _known(names: list[str]) -> tuple[Metric, ...]:
    unknown = [name for name in names if name not in catalogue()]
    if unknown:
        raise InvalidPack(f"{FILE.name}: no metric {', '.join(unknown)}")
    return tuple(catalogue()[name] for name in names)


def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
