"""The references of a table as links by business key: one for each foreign key that a file can give.

Reads the schema alone; what a link is, is in `links.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from api.imports.columns import Column
from api.imports.records.links import Link, Part
from api.imports.records.metadata import NEVER_GIVEN, default_of, describe_column, find_key, find_metadata, find_words


def derive_links(table: sa.Table, key: tuple[str, ...], without: set[str], said: dict[str, Any]) -> tuple[Link, ...]:
    """One link for each foreign key; of two that fill the same column, the wider one says more."""
    found: list[Link] = []
    filled: set[str] = set()
    constraints = sorted(table.foreign_key_constraints, key=lambda each: -len(each.columns))
    for constraint in constraints:
        local = [column.name for column in constraint.columns]
        if set(local) & (filled | without):
            continue
        if "only" in said and not set(local) & set(said["only"]):
            continue
        first = next(iter(constraint.elements)).column
        if not first.primary_key:
            continue
        takes = tuple((element.parent.name, element.column.name) for element in constraint.elements)
        filled |= set(local)
        anchor = table.columns[local[0]]
        is_single_key = len(key) == 1 and local[0] in key
        link = _link(
            f"{local[0].removesuffix('_id')}",
            constraint.referred_table,
            local[0],
            said,
            takes,
            is_required=(not anchor.nullable and anchor.server_default is None) or is_single_key,
        )
        found.append(link)
    order = [column.name for column in table.columns]
    return tuple(sorted(found, key=lambda link: order.index(link.takes[0][0])))


def _link(
    name: str,
    table: sa.Table,
    local: str,
    said: dict[str, Any],
    takes: tuple[tuple[str, str], ...],
    is_required: bool,
    prefix: str | None = None,
) -> Link:
    words = find_words()
    key_name = next(iter(table.primary_key)).name
    if table.name == "users":
        prefix = ""
    elif prefix is None:
        prefix = local.removesuffix(key_name) if local.endswith(key_name) else ""
    parts = []
    for each in find_key(table.name):
        column = table.columns[each]
        if each in NEVER_GIVEN:
            continue
        target = next((key.column for key in column.foreign_keys if key.column.primary_key), None)
        said_name = said.get("names", {}).get(f"{local}.{each}")
        source: str | Link
        if table.name == "users":
            source = said_name or local.removesuffix("_id")
        elif target is None or said_name is not None:
            source = said_name or (prefix + words["names"].get(table.name, {}).get(each, each)).removesuffix("_")
            if target is not None:
                inner = _link(f"{name}_{each.removesuffix('_id')}", target.table, each, {}, (), True, prefix)
                source = _renamed(inner, str(source))
        else:
            source = _link(f"{name}_{each.removesuffix('_id')}", target.table, each, {}, (), True, prefix)
        default = said.get("defaults", {}).get(source if isinstance(source, str) else next(source.columns()))
        if column.server_default is not None and isinstance(source, str):
            default = default_of(column)
        if default is not None and isinstance(source, Link):
            source = _with_default(source, default)
            default = None
        nullable = bool(column.nullable) and len(find_key(table.name)) > 1
        parts.append(Part(each, source, default, nullable))
    word = words["words"].get(table.name, table.name.removesuffix("s").replace("_", " "))
    return Link(name, table.name, key_name, tuple(parts), takes, is_required, word)


def _renamed(link: Link, name: str) -> Link:
    (part,) = link.parts
    return replace(link, parts=(replace(part, source=name),))


def _with_default(link: Link, default: str) -> Link:
    (part,) = link.parts
    return replace(link, parts=(replace(part, default=default),))


def link_columns(link: Link, is_required: bool) -> list[Column]:
    found = []
    here = find_metadata().tables[link.table]
    for part in link.parts:
        needed = is_required and not part.is_nullable and part.default is None
        if isinstance(part.source, Link):
            found += link_columns(part.source, needed)
        else:
            kind = describe_column(here.columns[part.column], False).kind
            found.append(Column(part.source, kind, f"the {link.word}", is_required=needed))
    return found
