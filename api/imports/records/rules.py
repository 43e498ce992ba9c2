"""What a row of a record file must hold, as SQL over its merged row `m`: references, checks and keys of its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from api.imports.records.derivation import RecordSpec
from api.imports.records.links import Link
from api.imports.records.metadata import CHOICES, find_columns, find_metadata


@dataclass(frozen=True)
class Rule:
    """`broken` is true of a row that breaks the rule; `column` and `value` are what the report names.

    A costly one is asked only where the table refused a row.
    """

    broken: str
    column: str | None
    value: str
    said: str
    is_costly: bool = False


def rules_of_links(spec: RecordSpec, given: frozenset[str], untold: frozenset[str]) -> Iterator[Rule]:
    """A row that is named must be there; those of the tables `untold` had faults themselves, which were told."""
    for link in spec.links:
        needed = [name for name in find_needed(link) if name in given]
        if not needed:
            continue
        anchors = find_anchors(link, spec)
        shown = " || ', ' || ".join(f"m.f_{name}" for name in link.columns() if name in given)
        if link.table not in untold:
            known = " AND ".join(f"m.f_{name} IS NOT NULL" for name in needed)
            lost = f"m.k_{link.name} IS NULL AND {known}"
            yield Rule(lost, named_by(link, spec), f"concat({shown})", f"must be a {link.word} that {link.table} knows")
        for name in needed:
            others = [other for other in anchors if other != name and other in given]
            if others and not link.is_required:
                some = " OR ".join(f"m.f_{other} IS NOT NULL" for other in others)
                said = f"is needed where {' or '.join(others)} is given"
                yield Rule(f"m.f_{name} IS NULL AND ({some})", name, "NULL", said)


def rules_of_checks(spec: RecordSpec) -> Iterator[Rule]:
    """The checks of the table, but for the lists of choices, which were held against when the file was read."""
    table = find_metadata().tables[spec.name]
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if not isinstance(constraint, sa.CheckConstraint):
            continue
        text = " ".join(str(constraint.sqltext).split())
        if CHOICES.match(text):
            continue
        used = find_columns(constraint)
        if any(table.columns[name].identity is not None for name in used):
            continue  # an id that is not given yet breaks nothing
        about = used[0] if used else None
        column = None if about is None else file_column(spec, about)
        value = "NULL" if about is None else f"m.{about}::text"
        # the table itself asks its functions of each row; asked twice, a payment's check for card numbers takes longest
        is_costly = "ims_" in text
        yield Rule(f"({text}) IS FALSE", column, value, f"must hold: {text}", is_costly)


def rules_of_time(spec: RecordSpec) -> Iterator[Rule]:
    """What was written once and for all."""
    for name in spec.never:
        yield Rule(f"m.was_{name} <> m.{name}", name, f"m.{name}::text", "never changes once it is loaded")
    if spec.is_appended and spec.key:
        yield Rule("m.is_changed", None, "NULL", "never changes once it is loaded: record what is so now")


def file_column(spec: RecordSpec, name: str) -> str | None:
    """The column of the file that fills a column of the table."""
    for link in spec.links:
        if name in (mine for mine, _ in link.takes):
            return named_by(link, spec)
    return name if any(column.name == name for column in spec.file.columns) else None


def find_needed(link: Link) -> list[str]:
    """The columns of the file without which the link names nothing."""
    needed: list[str] = []
    for part in link.parts:
        if isinstance(part.source, Link):
            needed += [] if part.is_nullable else find_needed(part.source)
        elif part.default is None and not part.is_nullable:
            needed.append(part.source)
    return needed or list(link.columns())


def named_by(link: Link, spec: RecordSpec) -> str:
    """The column of the file that a report on the link names: of a row of a store, the one beside the store."""
    anchors = find_anchors(link, spec)
    return next((name for name in anchors if not name.endswith("store_code")), anchors[0])


def find_anchors(link: Link, spec: RecordSpec) -> list[str]:
    """Those of the columns that say whether the link is given: which nothing else of the row reads."""
    others = {name for other in spec.links if other is not link for name in other.columns()}
    others |= set(spec.key)
    needed = find_needed(link)
    return [name for name in needed if name not in others] or needed
