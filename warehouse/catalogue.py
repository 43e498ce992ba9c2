"""The definitions of the figures, read from `metrics/*.toml`: each is a sum over a table, or a formula of others.

Says what a figure is and who may see it; asking for one is `metrics.py`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "metrics"
# sums of whole numbers are HUGEINT, which reaches polars as a decimal; the unit says what a figure is
TYPES = {
    "money": "DECIMAL(18, 2)",
    "units": "BIGINT",
    "count": "BIGINT",
    "share": "DOUBLE",
    "ratio": "DOUBLE",
    "days": "DOUBLE",
    "minutes": "DOUBLE",
    "money per unit": "DOUBLE",
}
ESTIMATED = "_estimated_share"


class InvalidMetric(ValueError):
    """An entry contradicts itself; the message names it."""


@dataclass(frozen=True)
class Metric:
    """A figure. `numerator` and `denominator` are aggregates over `table` as f, so a ratio is right at any grain.

    One with a `formula` has no table: it is computed anew at every grain from the metrics its formula names (`parts`).
    It can be limited by its `dimensions` and split by its `splits`. `permissions` are those of the policy that whoever
    asks must hold, and whose stores are shown. With `window_days` it speaks of so many days up to the end of the period
    asked for, as a turn of twelve months does. `estimated` is the part of the numerator that rests on estimates; `own`
    are dimensions that only its table has; `target` names the metric it is measured against; `kpi` is the chain's own
    number for it. `person` is the column of its table that says whose record a row is: without one, whoever may see
    only their own sees none of it. `missing` is why a figure of the chain's list cannot be told: it is null everywhere,
    never guessed.
    """

    name: str
    label: str
    unit: str
    better: str
    visible: str
    permissions: frozenset[str]
    description: str
    dimensions: tuple[str, ...]
    splits: tuple[str, ...]
    table: str = ""
    numerator: str = ""
    denominator: str | None = None
    formula: str | None = None
    parts: tuple[str, ...] = ()
    time: str | None = None
    window_days: int | None = None
    estimated: str | None = None
    target: str | None = None
    kpi: str | None = None
    missing: str | None = None
    person: str | None = None
    own: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def expression(self) -> str:
        """The figure as SQL; without a denominator to divide by it is null, never 0."""
        if self.formula is not None:
            return self.formula
        if self.denominator is None:
            return self.numerator
        return f"{self.numerator} / nullif({self.denominator}, 0)"

    @property
    def permission(self) -> str:
        """The one that a figure with a table of its own needs."""
        (permission,) = self.permissions
        return permission

    def source(self, asked: Iterable[str], person: str | None) -> tuple[object, ...]:
        """What figures of one SELECT share: the rows, whose they are, and the meaning of the dimensions asked for."""
        own = tuple(self.own.get(name) for name in asked)
        return self.table, self.time, self.window_days, own, person and self.person


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Metric]:
    """Every metric by name, formulas after what they name. Raises InvalidMetric."""
    found: dict[str, Metric] = {}
    formulas: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        shared: dict[str, Any] = {
            name: given[name]
            for name in ("table", "time", "own", "person", "window_days", "permission")
            if name in given
        }
        shared["dimensions"] = (*given.get("dimensions", ()), *given.get("own", {}))
        for name, entry in given["metric"].items():
            if name in found or name in formulas:
                raise InvalidMetric(f"{path.name}: {name} is defined twice")
            if "formula" in entry:
                formulas[name] = entry
            else:
                found |= _with_estimate(_read(name, shared | entry))
    while formulas:
        ready = {name for name, entry in formulas.items() if not _names(entry["formula"]) & formulas.keys()}
        if not ready:
            raise InvalidMetric(f"the formulas of {', '.join(sorted(formulas))} name each other in a circle")
        for name in sorted(ready):
            found[name] = _derive(name, formulas.pop(name), found)
    return found


def _read(name: str, given: dict[str, Any]) -> Metric:
    permission = given.pop("permission")
    given["dimensions"] = tuple(given["dimensions"])
    # a window that ends on every day of years is a cross product; its figures move slowly anyway
    short = ("day", "week") if given.get("window_days") else ()
    given["splits"] = tuple(each for each in given["dimensions"] if each not in short)
    return Metric(name=name, permissions=frozenset({permission}), **given)


def _with_estimate(metric: Metric) -> dict[str, Metric]:
    """The metric, and the share of it that rests on estimates where its entry says what does."""
    if metric.estimated is None:
        return {metric.name: metric}
    share = replace(
        metric,
        name=f"{metric.name}{ESTIMATED}",
        label=f"{metric.label}, estimated part",
        unit="share",
        better="down",
        numerator=metric.estimated,
        denominator=metric.numerator,
        estimated=None,
        target=None,
        kpi=None,
        description=f"Share of {metric.label[0].lower()}{metric.label[1:]} that rests on estimates.",
    )
    return {metric.name: metric, share.name: share}


def _derive(name: str, entry: dict[str, Any], found: dict[str, Metric]) -> Metric:
    """A formula is seen by whoever may see all of its parts, and split by what splits all of them."""
    parts = tuple(sorted(_names(entry["formula"])))
    unknown = [part for part in parts if part not in found]
    if unknown:
        raise InvalidMetric(f"the formula of {name} names {', '.join(unknown)}, which no entry defines")
    metrics = [found[part] for part in parts]
    dimensions = [each for each in metrics[0].dimensions if all(each in other.dimensions for other in metrics)]
    return Metric(
        **{**entry, "visible": "cost" if any(each.visible == "cost" for each in metrics) else entry["visible"]},
        name=name,
        parts=parts,
        permissions=frozenset().union(*(each.permissions for each in metrics)),
        dimensions=tuple(dimensions),
        splits=tuple(each for each in dimensions if all(each in other.splits for other in metrics)),
        time=metrics[0].time if all(each.time for each in metrics) else None,
        person=metrics[0].person if all(each.person for each in metrics) else None,
    )


def _names(formula: str) -> set[str]:
    """The metrics a formula names.

    >>> sorted(_names("gross_margin / mean_stock_value"))
    ['gross_margin', 'mean_stock_value']
    """
    from sqlglot import exp, parse_one

    return {column.name for column in parse_one(formula, dialect="duckdb").find_all(exp.Column)}
