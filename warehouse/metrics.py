"""The one way to ask for figures: `query`. Each is defined once, in `metrics/*.toml` (see `catalogue.py`).

Store scope and cost visibility are applied here, for every surface. No aggregate over the marts is written elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warehouse.catalogue import TYPES, Metric, catalogue
from warehouse.contracts import contract
from warehouse.dimensions import PERIODS, STORE, Between, Filter, compile_filters, is_time, known_dimension, one_of
from warehouse.folding import DAY, fold
from warehouse.scope import InvalidQuery, NotAllowed, Scope

if TYPE_CHECKING:
    import duckdb
    import polars as pl
    from sqlglot import exp

# a day speaks of itself; a comparison puts another day in its place
SAME_DAYS = "SELECT day_on AS now_on, day_on AS then_on FROM lake.marts.dim_date WHERE is_past"
JOINS = (
    ("p", "JOIN", "dim_product", "p.sku = f.sku"),
    ("s", "JOIN", "dim_store", "s.store_code = f.store_code"),
    ("sale", "LEFT JOIN", "fct_orders", "sale.sales_order_id = f.sales_order_id"),
)


def query(
    con: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    by: Sequence[str] = (),
    where: Mapping[str, Filter] | None = None,
    *,
    scope: Scope,
    calendar: str | None = None,
) -> pl.DataFrame:
    """The metrics `names` for each combination of the dimensions `by`: one column each, rows ordered by `by`.

    `where` limits by dimension: a value, a collection of values, or Between(low, high) with both ends included.
    `calendar` (see `comparison.py`) is a SELECT of now_on and then_on: what happened then is told of now.
    Raises InvalidQuery for unknown names and unfit values, NotAllowed for metrics, costs or stores outside the scope.
    Worked: net sales 30 of 10 units in store A, 10 of 10 units in B: average_price is 3.0 and 1.0 by store, 2.0 in all.
    """
    import duckdb

    metrics = [_allowed(name, scope) for name in dict.fromkeys(names)]
    if not metrics:
        raise InvalidQuery("ask for at least one metric")
    filters = dict(where or {})
    split = tuple(dict.fromkeys(by))
    for metric in metrics:
        _check_dimensions(metric, split, filters)
        if calendar is not None and metric.time is None:
            raise InvalidQuery(f"{metric.name} speaks of one moment only; there is no other time to compare it with")
    sql, values = _compile(metrics, split, filters, scope, calendar)
    try:
        return con.execute(sql, values).pl()
    except duckdb.CatalogException as error:
        raise InvalidQuery(f"what is published is older than this figure; `ims run` makes it ({error})") from None


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


def may_see(metric: Metric, scope: Scope) -> bool:
    """Whether the figure can be shown to this scope at all: its permissions are held, its costs not hidden.

    A figure that knows no stores is of the whole chain, and for those who see all of it; one that knows no persons is
    not for those who see their own alone.
    """
    if metric.visible == "cost" and not scope.can_see_cost:
        return False
    own = dict(scope.own)
    held = dict.fromkeys(metric.permissions, scope.stores) if scope.reports is None else dict(scope.reports)
    return all(
        name in held
        and (held[name] is None or "store" in metric.dimensions)
        and (name not in own or metric.person is not None)
        for name in metric.permissions
    )


def _allowed(name: str, scope: Scope) -> Metric:
    metric = catalogue().get(name)
    if metric is None:
        raise InvalidQuery(f"no metric {name!r}; known: {', '.join(sorted(catalogue()))}")
    if metric.visible == "cost" and not scope.can_see_cost:
        raise NotAllowed(f"{metric.label} shows costs, which you may not see")
    for permission in sorted(metric.permissions):
        scope.of(permission)
    return metric


def _check_dimensions(metric: Metric, by: Iterable[str], filters: Iterable[str]) -> None:
    for asked, possible, done in ((by, metric.splits, "split"), (filters, metric.dimensions, "limited")):
        for dimension in asked:
            if dimension in possible:
                continue
            if not any(dimension in each.own for each in catalogue().values()):
                known_dimension(dimension)
            raise InvalidQuery(
                f"{metric.name} cannot be {done} by {dimension}; possible: {', '.join(possible) or 'nothing'}"
            )


def _compile(
    metrics: Sequence[Metric],
    by: tuple[str, ...],
    filters: Mapping[str, Filter],
    scope: Scope,
    calendar: str | None,
) -> tuple[str, list[Any]]:
    """One SELECT per source and reach, put together by dimension, formulas on top; every value is a parameter."""
    needed = list(dict.fromkeys(part for metric in metrics for part in _sums_of(metric)))
    sources: dict[tuple[Scope, tuple[object, ...]], list[Metric]] = {}
    for metric in needed:
        reach = scope.of(metric.permission)
        sources.setdefault((reach, metric.source((*by, *filters), reach.person)), []).append(metric)
    parts, values = [], list[Any]()
    for (reach, _), here in sources.items():
        part, given = _compile_source(here, by, filters, reach, calendar)
        parts.append(part)
        values += given
    split = "".join(f"{dimension}, " for dimension in by)
    sums = ", ".join(f"any_value({metric.name}) AS {metric.name}" for metric in needed)
    met = f"SELECT {split}{sums} FROM ({' UNION ALL BY NAME '.join(parts)}){' GROUP BY ALL' if by else ''}"
    figures = ", ".join(f"{_figure(metric)} AS {metric.name}" for metric in metrics)
    order = f" ORDER BY {', '.join(by)}" if by else ""
    return f"SELECT {split}{figures} FROM ({met}){order}", values


def _sums_of(metric: Metric) -> list[Metric]:
    """The metrics with a table of their own that a metric is computed from: itself, or the leaves of its formula."""
    if metric.formula is None:
        return [metric]
    return [leaf for part in metric.parts for leaf in _sums_of(catalogue()[part])]


def _figure(metric: Metric) -> str:
    found = metric.name if metric.formula is None else _spell_out(metric).sql(dialect="duckdb")
    return f"CAST({found} AS {TYPES[metric.unit]})"


def _spell_out(metric: Metric) -> exp.Expression:
    """The formula over sums alone; what is divided by nought is null."""
    from sqlglot import exp, parse_one

    def put(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and catalogue()[node.name].formula is not None:
            return exp.paren(_spell_out(catalogue()[node.name]))
        return node

    assert metric.formula is not None, "asked for formulas only"
    formula = parse_one(metric.formula, dialect="duckdb")
    for division in list(formula.find_all(exp.Div)):
        division.set("expression", exp.func("nullif", division.expression, exp.Literal.number(0)))
    return formula.transform(put)


def _compile_source(
    metrics: Sequence[Metric],
    by: tuple[str, ...],
    filters: Mapping[str, Filter],
    scope: Scope,
    calendar: str | None,
) -> tuple[str, list[Any]]:
    first = metrics[0]
    limits = {name: wanted for name, wanted in filters.items() if not is_time(name) or not first.window_days}
    time, when, when_given = f"f.{first.time}", "", list[Any]()
    if not first.window_days and calendar is not None:
        when = f" JOIN ({calendar}) AS m ON m.then_on = {time}"
        time = "m.now_on"
    # as exact as they come: what a formula divides is not rounded before it
    expressions = tuple(metric.expression for metric in metrics)
    steps = fold(expressions, time) if by and PERIODS.issuperset(by) else None
    if first.window_days:
        when, when_given = _windows(first, by, filters, scope, calendar, time if steps is None else DAY)
        split = keys = [f"w.{name}" if is_time(name) else _sql_of(name, time, first) for name in by]
    else:
        split, keys = _split(by, time if steps is None else DAY, first)
    conditions, values = compile_filters(limits, time, scope, first.own)
    conditions, values = _limit_to_scope(conditions, values, scope, first)
    if steps is None:
        told, rows = expressions, _rows(first, when, time, [*split, *expressions], conditions)
        values = when_given + values
    else:
        parts, told = steps
        inside, beside = ("", when) if first.window_days else (when, "")
        days = ", ".join([f"{time} AS day_on", *parts]) + _rows(first, inside, time, parts, conditions)
        rows = f" FROM (SELECT {days} GROUP BY {time}) AS f{beside}"
        values = values + when_given
    body = [f"{sql} AS {name}" for sql, name in zip(split, by, strict=True)]
    body += [f"{sql} AS {metric.name}" for sql, metric in zip(told, metrics, strict=True)]
    group = f" GROUP BY {', '.join(keys)}" if by else ""
    return f"(SELECT {', '.join(body)}{rows}{group})", values


def _rows(metric: Metric, when: str, time: str, told: Iterable[str], conditions: Sequence[str]) -> str:
    """FROM the metric's table on, with the products, stores and days that are spoken of."""
    text = ", ".join(told) + " ".join(conditions)
    joins = when + "".join(
        f" {how} lake.marts.{table} AS {a} ON {on}" for a, how, table, on in JOINS if f"{a}." in text
    )
    if "d." in text and not metric.window_days:
        joins += f" JOIN lake.marts.dim_date AS d ON d.day_on = {time}"
    limit = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f" FROM lake.{metric.table} AS f{joins}{limit}"


def _windows(
    metric: Metric, by: tuple[str, ...], filters: Mapping[str, Filter], scope: Scope, calendar: str | None, day: str
) -> tuple[str, list[Any]]:
    """A join of `day` to w: the last day of each period asked for; a fact counts in each window that holds its day.

    A window that reaches back beyond the chain's first day has no row: half a year is no yearly figure.
    """
    periods = [name for name in by if is_time(name)]
    limits = {name: wanted for name, wanted in filters.items() if is_time(name)}
    conditions, values = compile_filters(limits, "m.now_on", scope, {})
    named = "".join(f"{_sql_of(name, 'm.now_on', metric)} AS {name}, " for name in periods)
    limit = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    group = f" GROUP BY {', '.join(periods)}" if periods else ""
    ends = (
        f"SELECT {named}max(m.then_on) AS ends_on FROM ({calendar or SAME_DAYS}) AS m"
        f" JOIN lake.marts.dim_date AS d ON d.day_on = m.now_on{limit}{group}"
    )
    days = metric.window_days
    assert days is not None, "asked for windows only"
    return (
        f" JOIN ({ends}) AS w ON {day} BETWEEN w.ends_on - {days - 1} AND w.ends_on"
        f" AND w.ends_on - {days - 1} >= (SELECT min(day_on) FROM lake.marts.dim_date)",
        values,
    )


def _limit_to_scope(
    conditions: list[str], values: list[Any], scope: Scope, metric: Metric
) -> tuple[list[str], list[Any]]:
    """What is asked for, inside what the scope allows. Raises NotAllowed where a table knows no stores, or nobody."""
    if scope.person is not None:
        if metric.person is None:
            raise NotAllowed("these figures are of nobody in particular, and you may see only your own")
        conditions, values = [*conditions, f"f.{metric.person} = ?"], [*values, scope.person]
    if scope.stores is None:
        return conditions, values
    if "store_code" not in contract(metric.table).column_names:
        raise NotAllowed("these figures are of the whole chain, and you may see only some of its stores")
    condition, given = one_of("f.store_code", sorted(scope.stores))
    return [*conditions, condition], [*values, *given]


def _split(by: Iterable[str], time: str, metric: Metric) -> tuple[list[str], list[str]]:
    """The dimensions of a group, and what its rows are grouped by: where that is a key, any day tells the dimension."""
    found = [known_dimension(name, metric.own) for name in by]
    told = [each.sql.format(time=f"min({time})" if each.key else time) for each in found]
    return told, [(each.key or each.sql).format(time=time) for each in found]


def _sql_of(name: str, time: str, metric: Metric) -> str:
    return known_dimension(name, metric.own).sql.format(time=time)


__all__ = [
    "TYPES",
    "Between",
    "InvalidQuery",
    "Metric",
    "NotAllowed",
    "Scope",
    "catalogue",
    "may_see",
    "query",
    "values_of",
]
