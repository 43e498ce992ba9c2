"""What the schema says of tables, columns and keys, and the few words of `tables.toml`, in the words of a file.

Reads no file of a chain and no database.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from api import schema
from api.imports.columns import Column, Kind

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


def find_columns(constraint: sa.CheckConstraint) -> list[str]:
    """The columns of its table that a check names, in the order in which it names them."""
    names = {column.name for column in constraint.table.columns}
    text = re.sub(r"'[^']*'", "", str(constraint.sqltext))
    return list(dict.fromkeys(word for word in re.findall(r"\w+", text) if word in names))


def describe_column(column: sa.Column[Any], is_required: bool) -> Column:
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
        default=default_of(column) if column.server_default is not None and not column.nullable else None,
    )


def _choices(column: sa.Column[Any]) -> tuple[str, ...]:
    for constraint in column.table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            found = CHOICES.match(str(constraint.sqltext))
            if found is not None and found[1] == column.name:
                return tuple(re.findall("'([^']*)'", found[2]))
    return ()


def default_of(column: sa.Column[Any]) -> str:
    """A server default as SQL."""
    assert isinstance(column.server_default, sa.DefaultClause)
    argument = column.server_default.arg
    if isinstance(argument, str):
        return "'" + argument.replace("'", "''") + "'"
    return str(argument)


def describe_table(table: str) -> str:
    """The first sentence of the model's own description."""
    from api.schema.base import Base

    for mapper in Base.registry.mappers:
        if mapper.local_table is find_metadata().tables[table]:
            text = " ".join((mapper.class_.__doc__ or "").split())
            return re.split(r"(?<=[.;:]) ", text)[0].rstrip(".;:")
    raise KeyError(table)
