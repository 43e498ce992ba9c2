"""Aggregates in two steps: of each day, then of the periods that the days lie in.

Millions of rows are grouped by their day, which is a number of few values; a month is computed of each day, not of each
row. What cannot be put together from days, as a count of different customers, is not folded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

DAY = "f.day_on"
# how many different days there are is counted of the days
DAYS = "number_of_days"


@lru_cache(maxsize=1000)
def fold(expressions: tuple[str, ...], day: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The aggregates of a `day`, as `… AS part_0`, and the expressions over these parts; None where it cannot be done.

    The rows of days are f, and their day is DAY. Worked: `sum(a) / count(*)` is `sum(a) AS part_0`, `count(*) AS
    part_1`, and `sum(part_0) / CAST(sum(part_1) AS BIGINT)`.
    """
    from sqlglot import exp, parse_one

    parts: dict[str, str] = {}

    def put(node: exp.Expr) -> exp.Expr:
        aggregate = node.this if isinstance(node, exp.Filter) else node
        if not isinstance(aggregate, exp.AggFunc):
            return node
        name = parts.setdefault(node.sql(dialect="duckdb"), f"part_{len(parts)}")
        return _over_days(aggregate, name)

    def put_days(node: exp.Expr) -> exp.Expr:
        return exp.column(DAYS) if node.sql(dialect="duckdb") == f"COUNT(DISTINCT {day})" else node

    parsed = [parse_one(text, dialect="duckdb").transform(put_days) for text in expressions]
    if not all(map(_is_foldable, parsed)):
        return None
    folded = [each.transform(put).sql(dialect="duckdb") for each in parsed]
    told = tuple(text.replace(DAYS, f"count({DAY})") for text in folded)
    return tuple(f"{text} AS {name}" for text, name in parts.items()), told


def _over_days(aggregate: exp.AggFunc, part: str) -> exp.Expr:
    from sqlglot import exp

    if isinstance(aggregate, exp.Min | exp.Max):
        return type(aggregate)(this=exp.column(part))
    total = exp.Sum(this=exp.column(part))
    return exp.cast(total, "BIGINT") if isinstance(aggregate, exp.Count) else total


def _is_foldable(expression: exp.Expr) -> bool:
    """Whether it is made of sums, counts and extremes, and of nothing that sees rows besides."""
    from sqlglot import exp

    if any(expression.find_all(exp.Window, exp.Select, exp.Anonymous, exp.Distinct, exp.WithinGroup)):
        return False
    inside = {
        id(column) for each in expression.find_all(exp.AggFunc, exp.Filter) for column in each.find_all(exp.Column)
    }
    outside = [each for each in expression.find_all(exp.Column) if id(each) not in inside and each.name != DAYS]
    return not outside and all(
        type(each) in (exp.Sum, exp.Count, exp.Min, exp.Max) for each in expression.find_all(exp.AggFunc)
    )
