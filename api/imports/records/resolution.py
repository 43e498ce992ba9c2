"""A staged record file beside its table: `merged_<file>` has every column of each row as it is to be written."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from api.imports.loading import Loading, Staged
from api.imports.records.derivation import RecordSpec
from api.imports.records.metadata import find_metadata
from api.imports.records.rules import find_needed

CATALOG = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attidentity = '' AND a.attgenerated = '' AND a.attname NOT IN ('updated_at', 'changed_xid')"""
# stand-ins for null in a key, so that keys join by hash
NOTHING = {"bigint": "0", "integer": "0", "date": "'-infinity'", "timestamp with time zone": "'-infinity'"}


@dataclass(frozen=True)
class Resolved:
    """The merged table of one file: its name, the columns to insert, and those of them that the file gives."""

    table: str
    columns: tuple[str, ...]
    given: tuple[str, ...]
    identity: str


def resolve(loading: Loading, staged: Staged, spec: RecordSpec, where: str = "true") -> Resolved:
    """Make `merged_<file>` of the staged rows that `where` (over `s`) lets through.

    Beside the table's columns it has `line`, `existing` (the id of the row of the same key), `is_changed`, for each
    link the key that was found (`k_…`) and what the file gave (`f_…`), and `was_…` for what never changes.
    """
    table = find_metadata().tables[spec.name]
    catalog = {
        str(name): (str(kind), None if default is None else str(default))
        for name, kind, default in loading.execute(CATALOG, table=spec.name)
    }
    identity = next(iter(table.primary_key)).name
    inner, given = _given(staged, spec, table, catalog)
    own_time = {name for name in given if catalog[name][1] == "now()" and name not in spec.key}
    columns = [name for name in catalog if name != "created_at" or name in given]
    values = [_value(name, given, own_time, spec, catalog, identity) for name in columns]
    read = {name for link in spec.links for name in link.columns() if name in staged.columns}
    extra = [f"n.{name}" for name in (*(f"k_{each.name}" for each in spec.links), *(f"f_{each}" for each in read))]
    extra += [f"t.{name} AS was_{name}" for name in spec.never]
    compared = [name for name in given if name not in spec.key and name not in spec.never]
    new = ", ".join(value.rsplit(" AS ", 1)[0] for name, value in zip(columns, values, strict=True) if name in compared)
    old = ", ".join(f"t.{name}" for name in columns if name in compared)
    changed = f"ROW({new}) IS DISTINCT FROM ROW({old})" if compared else "false"
    merged = f"merged_{spec.name}"
    loading.execute(f"DROP TABLE IF EXISTS {merged}")
    loading.execute(
        f"""CREATE TEMP TABLE {merged} ON COMMIT DROP AS
            SELECT n.line, {", ".join([*extra, *values])}, t.{identity} AS existing,
                   t.{identity} IS NOT NULL AND {changed} AS is_changed
            FROM (SELECT s.line, {", ".join(inner)} FROM {spec.file.staged} AS s {_joins(staged, spec)}
                  WHERE {where}) AS n
            LEFT JOIN {spec.name} AS t ON {_match(spec, table, catalog)}"""
    )
    loading.execute(f"ANALYZE {merged}")
    return Resolved(merged, tuple(columns), tuple(name for name in columns if name in given), identity)


def _given(
    staged: Staged, spec: RecordSpec, table: sa.Table, catalog: dict[str, tuple[str, str | None]]
) -> tuple[list[str], set[str]]:
    """The expressions over the staged row `s` and the joined links, and the columns of the table they fill."""
    inner: list[str] = []
    given: set[str] = set()
    for link in spec.links:
        inner.append(f"{link.alias}.{link.key} AS k_{link.name}")
        if set(find_needed(link)) <= staged.columns or link.is_required:
            inner += [f"{link.alias}.{theirs} AS {mine}" for mine, theirs in link.takes]
            given |= {mine for mine, _ in link.takes}
    for name in sorted({name for link in spec.links for name in link.columns() if name in staged.columns}):
        inner.append(f"s.{name}::text AS f_{name}")
    for column in spec.file.columns:
        if column.name not in staged.columns or column.name not in catalog or column.name in given:
            continue
        kind, default = catalog[column.name]
        value = f"s.{column.name}"
        if isinstance(table.columns[column.name].type, ARRAY):
            value = f"string_to_array({value}, ' ')"
        value = f"({value})::{kind}"
        if column.default is not None and default != "now()":
            value = f"coalesce({value}, {column.default}::{kind})"
        inner.append(f"{value} AS {column.name}")
        given.add(column.name)
    # a key that the file leaves out is what its default, or nothing, says
    for name in spec.key:
        if name not in given:
            kind, default = catalog[name]
            inner.append(f"{default or 'NULL'}::{kind} AS {name}")
    return inner, given


def _value(
    name: str,
    given: set[str],
    own_time: set[str],
    spec: RecordSpec,
    catalog: dict[str, tuple[str, str | None]],
    identity: str,
) -> str:
    kind, default = catalog[name]
    if name in own_time:
        return f"coalesce(n.{name}, t.{name}, {default}) AS {name}"
    if name in given or name in spec.key:
        return f"n.{name} AS {name}"
    new = spec.fixed.get(name) or default or "NULL"
    return f"CASE WHEN t.{identity} IS NULL THEN ({new})::{kind} ELSE t.{name} END AS {name}"


def _joins(staged: Staged, spec: RecordSpec) -> str:
    return " ".join(join for link in spec.links for join in link.joins(staged.columns))


def _match(spec: RecordSpec, table: sa.Table, catalog: dict[str, tuple[str, str | None]]) -> str:
    if not spec.key:
        return "false"
    conditions = [f"t.{name} IS NULL" for name, value in spec.fixed.items() if value == "NULL"]
    for name in spec.key:
        if table.columns[name].nullable and len(spec.key) > 1:
            nothing = NOTHING.get(catalog[name][0], "''")
            conditions.append(f"coalesce(t.{name}, {nothing}) = coalesce(n.{name}, {nothing})")
        else:
            conditions.append(f"t.{name} = n.{name}")
    return " AND ".join(conditions)
