"""The figures, each defined once in `metrics/*.toml`, and the one way to ask for them: `query`.

Store scope and cost visibility are applied here, for every surface. No aggregate over the marts is written elsewhere.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.dimensions import DIMENSIONS, STORE, Between, Filter, compile_filters, known_dimension, one_of
from warehouse.scope import InvalidQuery, NotAllowed, Scope

if TYPE_CHECKING:
    import duckdb
    import polars as pl

FOLDER = Path(__file__).parent / "metrics"
# sums of whole numbers are HUGEINT, which reaches polars as a decimal; the unit says what a figure is
TYPES = {"money": "DECIMAL(18, 2)", "units": "BIGINT", "share": "DOUBLE", "money per unit": "DOUBLE"}


@dataclass(frozen=True)
class Metric:
    """A figure. `numerator` and `denominator` are aggregates over `table` as f, so a ratio is right at any grain.

    `permission` is the one of the policy that whoever asks must hold, and whose stores are shown.
    """

    name: str
    label: str
    unit: str
    numerator: str
    better: str
    visible: str
    permission: str
    description: str
    table: str
    dimensions: tuple[str, ...]
    time: str | None = None
    denominator: str | None = None

    @property
    def expression(self) -> str:
        """The figure as SQL; without a denominator to divide by it is null, never 0."""
        if self.denominator is None:
            return self.numerator
        return f"{self.numerator} / nullif({self.denominator}, 0)"


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Metric]:
    """Every metric by name."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        shared = {name: given.get(name) for name in ("table", "permission", "time")}
        shared["dimensions"] = tuple(given["dimensions"])
        for name, entry in given["metric"].items():
            found[name] = Metric(name=name, **(shared | entry))
    return found


def query(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    by: Sequence[str] = (),
    where: Mapping[str, Filter] | None = None,
    *,
    scope: Scope,
) -> pl.DataFrame:
    """The metrics `names` for each combination of the dimensions `by`: one column each, rows ordered by `by`.

    `where` limits by dimension: a value, a collection of values, or Between(low, high) with both ends included.
    Raises InvalidQuery for unknown names and unfit values, NotAllowed for metrics, costs or stores outside the scope.
    Worked: net sales 30 of 10 units in store A, 10 of 10 units in B: average_price is 3.0 and 1.0 by store, 2.0 in all.
    """
    metrics = [_allowed(name, scope) for name in names]
    if not metrics:
        raise InvalidQuery("ask for at least one metric")
    filters = dict(where or {})
    for metric in metrics:
        for dimension in (*by, *filters):
            known_dimension(dimension)
            if dimension not in metric.dimensions:
                raise InvalidQuery(
                    f"{metric.name} cannot be split or limited by {dimension}; possible: {', '.join(metric.dimensions)}"
                )
    sql, values = _compile(metrics, tuple(dict.fromkeys(by)), filters, scope)
    return con.execute(sql, values).pl()


def values_of(con: duckdb.DuckDBPyConnection, dimension: str, *, scope: Scope) -> list[Any]:
    """What a dimension of stores or products can be, in order: stores inside the scope, categories, brands, …"""
    found = known_dimension(dimension)
    if found.table is None:
        raise InvalidQuery(f"the values of {dimension} are not listed; limit it with Between")
    inside, given = "TRUE", list[str]()
    if found.table == STORE and scope.stores is not None:
        inside, given = one_of("store_code", sorted(scope.stores))
    column = found.column
    rows = con.execute(
        f"SELECT DISTINCT {column} FROM lake.{found.table} WHERE {inside} AND {column} IS NOT NULL ORDER BY 1", given
    ).fetchall()
    return [row[0] for row in rows]


def _allowed(name: str, scope: Scope) -> Metric:
    metric = catalogue().get(name)
    if metric is None:
        raise InvalidQuery(f"no metric {name!r}; known: {', '.join(sorted(catalogue()))}")
    if metric.visible == "cost" and not scope.can_see_cost:
        raise NotAllowed(f"{metric.label} shows costs, which you may not see")
    scope.of(metric.permission)
    return metric


def _compile(
    metrics: Sequence[Metric], by: Sequence[str], filters: Mapping[str, Filter], scope: Scope
) -> tuple[str, list[Any]]:
    """One SELECT per table and permission, put together by dimension; every value is a parameter."""
    parts, values = [], []
    for source in dict.fromkeys((metric.table, metric.permission) for metric in metrics):
        here = [metric for metric in metrics if (metric.table, metric.permission) == source]
        part, given = _compile_table(here, by, filters, scope.of(source[1]))
        parts.append(part)
        values += given
    split = "".join(f"{dimension}, " for dimension in by)
    figures = ", ".join(f"any_value({metric.name}) AS {metric.name}" for metric in metrics)
    group = " GROUP BY ALL ORDER BY ALL" if by else ""
    return f"SELECT {split}{figures} FROM ({' UNION ALL BY NAME '.join(parts)}){group}", values


def _compile_table(
    metrics: Sequence[Metric], by: Sequence[str], filters: Mapping[str, Filter], scope: Scope
) -> tuple[str, list[Any]]:
    first = metrics[0]
    time = f"f.{first.time}"
    conditions, values = compile_filters(filters, time, scope)
    split = [f"{DIMENSIONS[name].sql.format(time=time)} AS {name}" for name in by]
    figures = [f"CAST({metric.expression} AS {TYPES[metric.unit]}) AS {metric.name}" for metric in metrics]
    body = ", ".join(split + figures)
    text = body + " ".join(conditions)
    joins = "".join(
        f" JOIN lake.marts.{table} AS {alias} USING ({key})"
        for alias, table, key in (("p", "dim_product", "sku"), ("s", "dim_store", "store_code"))
        if f"{alias}." in text
    )
    limit = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    group = " GROUP BY ALL" if by else ""
    return f"(SELECT {body} FROM lake.{first.table} AS f{joins}{limit}{group})", values


__all__ = ["Between", "InvalidQuery", "Metric", "NotAllowed", "Scope", "catalogue", "query", "values_of"]
