"""The declaration of every record file, derived from the schema and the few words of `tables.toml`.

Reads no file of a chain and no database.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from api import schema
from api.imports.columns import Column, FileSpec, Kind, Reference, RowRule
from api.imports.records.links import Link, Part

MASTERS = ("stores", "products", "vendors", "categories", "tax_classes", "legal_entities", "brands")
NEVER_GIVEN = ("created_at", "updated_at", "changed_xid", "lens_cell_id", "stock_unit_id", "suggestion_id")
INTEGER, SMALL, BIG = 2_147_483_647, 32_767, 9_223_372_036_854_775_807
CHOICES = re.compile(r"^(\w+) IN \(('[^']*'(?:, '[^']*')*)\)$")
KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...] = (
    (ARRAY, "text"),
    (JSONB, "json"),
    (sa.Boolean, "boolean"),
    (sa.Date, "date"),
    (sa.DateTime, "timestamp"),
    (sa.Integer, "integer"),
    (sa.Numeric, "decimal"),
    (sa.String, "text"),
)


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
def find_metadata() -> sa.MetaData:
    """The tables of the schema, every module of it read."""
    for module in pkgutil.iter_modules(schema.__path__):
        importlib.import_module(f"{schema.__name__}.{module.name}")
    from api.schema.base import Base

    return Base.metadata


@cache
def find_words() -> dict[str, Any]:
    """What `tables.toml` says."""
    return tomllib.loads(Path(__file__).with_name("tables.toml").read_text(encoding="utf-8"))


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
            more.append(_column(column, is_required=False))
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
                rules.append(RowRule(about, f"({text}) IS FALSE", f"must hold: {text}"))
    columns = (*file.columns, *more)
    return replace(file, columns=columns, row_rules=(*file.row_rules, *rules), further=tuple(more))


def find_columns(constraint: sa.CheckConstraint) -> list[str]:
    """The columns of its table that a check names, in the order in which it names them."""
    names = {column.name for column in constraint.table.columns}
    text = re.sub(r"'[^']*'", "", str(constraint.sqltext))
    return list(dict.fromkeys(word for word in re.findall(r"\w+", text) if word in names))


def referred_to(tables: Iterable[str]) -> set[str]:
    """The tables that these refer to, and those that those refer to, and so on."""
    found: set[str] = set()
    for name in tables:
        for key in find_metadata().tables[name].foreign_keys:
            other = key.column.table.name
            if name in MASTERS and other not in found:
                found |= {other} | referred_to([other])
    return found


def find_key(table: str) -> tuple[str, ...]:
    """The columns of a table that know a row: as `tables.toml` says, else those of its only unique constraint."""
    said = find_words()["tables"].get(table, {}).get("key")
    if said is not None:
        return tuple(said)
    here = find_metadata().tables[table]
    own = {column.name for column in here.primary_key}
    uniques = [
        tuple(column.name for column in constraint.columns)
        for constraint in here.constraints
        if isinstance(constraint, sa.UniqueConstraint) and not own & {column.name for column in constraint.columns}
    ]
    codes = [key for key in uniques if len(key) == 1 and (key[0].endswith("_code") or key[0] in ("sku", "code"))]
    found = codes or uniques
    assert len(found) == 1, f"{table}: say in tables.toml which key knows a row"
    return found[0]


def _derive(name: str) -> RecordSpec:
    said = find_words()["tables"][name]
    table = find_metadata().tables[name]
    key = find_key(name)
    without = {*NEVER_GIVEN, *said.get("without", ())} - ({"created_at"} if said.get("dated") else set())
    links = _links(table, key, without, said)
    taken = {mine for link in links for mine, _ in link.takes}
    columns: dict[str, Column] = {}
    for column in table.columns:
        link = next((each for each in links if column.name in (mine for mine, _ in each.takes)), None)
        if link is not None:
            for each in _link_columns(link, link.is_required):
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
        one = _column(column, is_required)
        columns[column.name] = replace(one, default=None) if is_required else one
    for column_name, default in said.get("defaults", {}).items():
        columns[column_name] = replace(columns[column_name], is_required=False, default=default)
    file = FileSpec(
        name=name,
        table=name,
        meaning=_meaning(name),
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


def _links(table: sa.Table, key: tuple[str, ...], without: set[str], said: dict[str, Any]) -> tuple[Link, ...]:
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
            default = _literal(column)
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


def _link_columns(link: Link, is_required: bool) -> list[Column]:
    found = []
    here = find_metadata().tables[link.table]
    for part in link.parts:
        needed = is_required and not part.is_nullable and part.default is None
        if isinstance(part.source, Link):
            found += _link_columns(part.source, needed)
        else:
            kind = _column(here.columns[part.column], False).kind
            found.append(Column(part.source, kind, f"the {link.word}", is_required=needed))
    return found


def _key_columns(key: tuple[str, ...], links: tuple[Link, ...], without: set[str]) -> list[str]:
    found: list[str] = []
    for each in key:
        if each in without:
            continue
        link = next((link for link in links if each in (mine for mine, _ in link.takes)), None)
        found += [name for name in ([each] if link is None else link.columns()) if name not in found]
    return found


def _column(column: sa.Column[Any], is_required: bool) -> Column:
    kind = next(kind for type_, kind in KINDS if isinstance(column.type, type_))
    low: float | None = None
    high: float | None = None
    if isinstance(column.type, sa.Integer):
        wide = BIG if isinstance(column.type, sa.BigInteger) else INTEGER
        low, high = (-SMALL, SMALL) if isinstance(column.type, sa.SmallInteger) else (-wide, wide)
    elif isinstance(column.type, sa.Numeric) and column.type.precision is not None and column.type.scale is not None:
        high = 10.0 ** (column.type.precision - column.type.scale) - 1
        low = -high
    meaning = "several, separated by spaces" if isinstance(column.type, ARRAY) else ""
    return Column(
        column.name,
        kind,
        meaning,
        is_required=is_required,
        choices=_choices(column),
        minimum=low,
        maximum=high,
        default=_literal(column) if column.server_default is not None and not column.nullable else None,
    )


def _choices(column: sa.Column[Any]) -> tuple[str, ...]:
    for constraint in column.table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            found = CHOICES.match(str(constraint.sqltext))
            if found is not None and found[1] == column.name:
                return tuple(re.findall("'([^']*)'", found[2]))
    return ()


def _literal(column: sa.Column[Any]) -> str:
    """A server default as SQL."""
    assert isinstance(column.server_default, sa.DefaultClause)
    argument = column.server_default.arg
    if isinstance(argument, str):
        return "'" + argument.replace("'", "''") + "'"
    return str(argument)


def _meaning(table: str) -> str:
    """The first sentence of the model's own description."""
    from api.schema.base import Base

    for mapper in Base.registry.mappers:
        if mapper.local_table is find_metadata().tables[table]:
            text = " ".join((mapper.class_.__doc__ or "").split())
            return re.split(r"(?<=[.;:]) ", text)[0].rstrip(".;:")
    raise KeyError(table)
