"""Questions as people type them: `month=2025-04-01..2025-06-30`, `category=frames,sunglasses`; into filters of a query.

Text in, filters out; what they mean is settled in `metrics.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from warehouse.dimensions import DIMENSIONS, Between, Dimension, Filter
from warehouse.metrics import values_of
from warehouse.scope import InvalidQuery, Scope

if TYPE_CHECKING:
    import duckdb

RANGE = ".."


def read_filters(con: duckdb.DuckDBPyConnection, typed: Iterable[str], *, scope: Scope) -> dict[str, Filter]:
    """Each `dimension=value`, `dimension=value,value` or `dimension=low..high` as a filter; an end left out is open.

    Words are matched without regard to case against the values there are. Raises InvalidQuery.
    """
    found: dict[str, Filter] = {}
    for text in typed:
        name, separator, wanted = (part.strip() for part in text.partition("="))
        if not separator or not name or not wanted:
            raise InvalidQuery(f"{text!r} limits nothing: write dimension=value, dimension=a,b or dimension=low..high")
        if name in found:
            raise InvalidQuery(f"{name} is limited twice; write its values as {name}=a,b")
        dimension = DIMENSIONS.get(name, Dimension(name, ""))
        known = values_of(con, name, scope=scope) if dimension.table is not None else []
        found[name] = _read(dimension, wanted, known)
    return found


def _read(dimension: Dimension, wanted: str, known: list[Any]) -> Filter:
    low, separator, high = wanted.partition(RANGE)
    if separator:
        return Between(_value(dimension, low, known), _value(dimension, high, known))
    return [_value(dimension, each, known) for each in wanted.split(",")]


def _value(dimension: Dimension, text: str, known: list[Any]) -> str | dt.date | None:
    text = text.strip()
    if not text:
        return None
    if dimension.type is dt.date:
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise InvalidQuery(f"{dimension.name} is limited by days such as 2025-04-01, not by {text!r}") from None
    if text in known:
        return text
    return next((value for value in known if value.lower() == text.lower()), text)
