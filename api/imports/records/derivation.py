"""The declaration of every record file, derived from the schema and the few words of `tables.toml`.

Reads no file of a chain and no database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import sqlalchemy as sa

from api.imports.columns import Column, FileSpec, Reference, RowRule
from api.imports.records.links import Link
from api.imports.records.metadata import (
    NEVER_GIVEN,
    describe_column,
    describe_table,
    find_columns,
    find_key,
    find_metadata,
    find_words,
)
from api.imports.records.references import derive_links, link_columns

MASTERS = ("stores", "products", "vendors", "categories", "tax_classes", "legal_entities", "brands")


@dataclass(frozen=True)
class RecordSpec:
    """A record file: what it shares with the planner's, how its rows refer to others, and what holds of its table."""

    file: FileSpec
    links: tuple[Link, ...]
    key: tuple[str, ...]
    fixed: dict[str, str]
    never: tuple[str, ...]
    is_appended: bool
    own: str | None
    rounds: str | None

    @property
    def name(self) -> str:
        return self.file.name


@cache
def record_files() -> dict[str, RecordSpec]:
    """Every record file by name, in the order in which they are loaded: what is referred to comes first."""
    tables = find_words()["tables"]
    order = [table.name for table in find_metadata().sorted_tables if table.name in tables]
    # the ledger comes last: what its moves refer to is named in text
    order.sort(key=lambda name: name == "stock_moves")
    return {name: _derive(name) for name in order}


def widen(file: FileSpec) -> FileSpec:
    """A planner's file with the columns of its table beyond those that it declares, and the table's rules on these."""
    table = find_metadata().tables[file.table]
    known = {column.stored_as for column in file.columns}
    more = []
    for column in table.columns:
        if column.primary_key or column.name in NEVER_GIVEN or column.name in known:
            continue
        target = next((key.column for key in column.foreign_keys), None)
        if target is None:
            more.append(describe_column(column, is_required=False))
        else:
            (code,) = find_key(target.table.name)
            name = find_words()["names"].get(target.table.name, {}).get(code, code)
            word = find_words()["words"].get(target.table.name, target.table.name)
            reference = Reference(target.table.name, target.table.name, code, target.name, word)
            more.append(Column(name, "text", f"the {word}", reference=reference))
    names = {column.name for column in more}
    rules = []
    for constraint in table.constraints:
        used = find_columns(constraint) if isinstance(constraint, sa.CheckConstraint) else []
        if used and names & set(used):
            about = next(name for name in used if name in names)
            if not next(column for column in more if column.name == about).choices:
                text = str(constraint.sqltext)  # type: ignore[attr-defined]  # a CheckConstraint, as used says
                rules.append(RowRule(about, f"( {text} ) IS FALSE", f"must hold: {text}"))
    columns = (*file.columns, *more)
    return replace(file, columns=columns, row_rules=(*file.row_rules, *rules), further=tuple(more))


def referred_to(tables: Iterable[str]) -> set[str]:
    """The tables that these refer to, and those that those refer to, and so on."""
    found: set[str] = set()
    for name in tables:
        for key in find_metadata().tables[name].foreign_keys:
            other = key.column.table.name
            if name in MASTERS and other not in found:
                found |= {other} | referred_to([other])
    return found


def _derive(name: str) -> RecordSpec:
    said = find_words()["tables"][name]
    table = find_metadata().tables[name]
    key = find_key(name)
    without = {*NEVER_GIVEN, *said.get("without", ())} - ({"created_at"} if said.get("dated") else set())
    links = derive_links(table, key, without, said)
    taken = {mine for link in links for mine, _ in link.takes}
    columns: dict[str, Column] = {}
    for column in table.columns:
        link = next((each for each in links if column.name in (mine for mine, _ in each.takes)), None)
        if link is not None:
            for each in link_columns(link, link.is_required):
                before = columns.get(each.name)
                if before is None or (each.is_required and not before.is_required):
                    columns[each.name] = each
            continue
        if column.name in without or column.name in taken or column.computed is not None:
            continue
        if column.primary_key and column.name not in key and isinstance(column.type, sa.Integer):
            continue
        if "only" in said and column.name not in said["only"]:
            continue
        is_key = column.name in key and (len(key) == 1 or not column.nullable)
        is_required = (not column.nullable or is_key) and column.server_default is None
        # a default of the moment would make another row of the same line next time
        is_required |= is_key and isinstance(column.type, sa.DateTime)
        one = describe_column(column, is_required)
        columns[column.name] = replace(one, default=None) if is_required else one
    for column_name, default in said.get("defaults", {}).items():
        columns[column_name] = replace(columns[column_name], is_required=False, default=default)
    file = FileSpec(
        name=name,
        table=name,
        meaning=describe_table(name),
        key=tuple(_key_columns(key, links, without)),
        columns=tuple(sorted(columns.values(), key=lambda column: not column.is_required)),
    )
    return RecordSpec(
        file=file,
        links=links,
        key=tuple(each for each in key if each not in without),
        fixed=dict(said.get("fixed", {})) | {each: "NULL" for each in key if each in without},
        never=tuple(said.get("never", ())),
        is_appended=bool(said.get("appended", False)),
        own=said.get("own"),
        rounds=said.get("rounds"),
    )


def _key_columns(key: tuple[str, ...], links: tuple[Link, ...], without: set[str]) -> list[str]:
    found: list[str] = []
    for each in key:
        if each in without:
            continue
        link = next((link for link in links if each in (mine for mine, _ in link.takes)), None)
        found += [name for name in ([each] if link is None else link.columns()) if name not in found]
    return found
