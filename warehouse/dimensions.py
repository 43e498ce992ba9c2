"""What metrics can be split and limited by: store, product and time, each with its SQL and the type of its values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.scope import InvalidQuery, Scope

Value = str | dt.date | None


@dataclass(frozen=True)
class Between:
    """From `low` to `high`, both included; None leaves that end open."""

    low: str | dt.date | None = None
    high: str | dt.date | None = None


Filter = Value | Collection[Value] | Between


@dataclass(frozen=True)
class Dimension:
    """`sql` speaks of the fact as f, the product as p, the store as s; `{time}` is the fact's day or week.

    `table` and `column` say where the values of a dimension are listed.
    """

    name: str
    sql: str
    type: type[str] | type[dt.date] = str
    table: str | None = None
    column: str | None = None


STORE, PRODUCT = "marts.dim_store", "marts.dim_product"
DIMENSIONS = {
    each.name: each
    for each in (
        Dimension("store", "f.store_code", str, STORE, "store_code"),
        Dimension("region", "s.region", str, STORE, "region"),
        Dimension("cluster", "s.cluster", str, STORE, "cluster"),
        Dimension("category", "p.category", str, PRODUCT, "category"),
        Dimension("subcategory", "p.subcategory", str, PRODUCT, "subcategory"),
        Dimension("brand", "p.brand", str, PRODUCT, "brand"),
        Dimension("sku", "f.sku", str, PRODUCT, "sku"),
        Dimension("day", "{time}", dt.date),
        Dimension("week", "CAST(date_trunc('week', {time}) AS DATE)", dt.date),
        Dimension("month", "CAST(date_trunc('month', {time}) AS DATE)", dt.date),
    )
}


def known_dimension(name: str) -> Dimension:
    """The dimension. Raises InvalidQuery."""
    if name not in DIMENSIONS:
        raise InvalidQuery(f"no dimension {name!r}; known: {', '.join(DIMENSIONS)}")
    return DIMENSIONS[name]


def compile_filters(filters: Mapping[str, Filter], time: str, scope: Scope) -> tuple[list[str], list[Any]]:
    """Conditions and their parameters: what is asked for, inside what the scope allows."""
    conditions: list[str] = []
    values: list[Any] = []
    for name, wanted in filters.items():
        dimension = known_dimension(name)
        sql = dimension.sql.format(time=time)
        if isinstance(wanted, Between):
            for bound, sign in ((wanted.low, ">="), (wanted.high, "<=")):
                if bound is not None:
                    conditions.append(f"{sql} {sign} ?")
                    values.append(_checked(dimension, bound))
            continue
        listed = [_checked(dimension, value) for value in _listed(wanted)]
        if name == "store":
            scope.check_stores(listed)
        condition, given = one_of(sql, listed)
        conditions.append(condition)
        values += given
    if scope.stores is not None:
        condition, given = one_of("f.store_code", sorted(scope.stores))
        conditions.append(condition)
        values += given
    return conditions, values


def one_of(sql: str, listed: Collection[Any]) -> tuple[str, list[Any]]:
    """A condition that holds where `sql` is one of the values, None meaning null; no value, and it never holds."""
    given = [value for value in listed if value is not None]
    either = [f"{sql} IN ({', '.join('?' for _ in given)})"] if given else []
    if len(given) < len(listed):
        either.append(f"{sql} IS NULL")
    return f"({' OR '.join(either) or 'FALSE'})", given


def _listed(wanted: object) -> list[object]:
    if isinstance(wanted, Collection) and not isinstance(wanted, str):
        return list(wanted)
    return [wanted]


def _checked(dimension: Dimension, value: object) -> Any:
    if value is None or type(value) is dimension.type:
        return value
    raise InvalidQuery(f"{dimension.name} is limited by a {dimension.type.__name__}, not by {value!r}")
