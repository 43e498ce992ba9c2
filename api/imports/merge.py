"""A staged file into its table: new rows inserted, rows that differ updated, the rest left alone; all counted.

A column that the file does not have keeps its value. Sales and open orders have rules, and modules, of their own.
"""

from __future__ import annotations

from api.imports.columns import Column
from api.imports.loading import Loading, Staged

# stand-ins for null in a key, so that keys join by hash
NO_ID, NO_DATE = "0", "'-infinity'"


def merge_file(loading: Loading, staged: Staged) -> None:
    """Merge by the file's key and count rows added, changed and unchanged."""
    spec = staged.spec
    loading.progress(f"load {staged.file}", 0, staged.count.rows)
    key = find_key(loading, spec.table)
    types = find_types(loading, spec.table)
    columns = [column for column in spec.columns if column.name in staged.columns]
    values = ", ".join(f"({_value(column)})::{types[column.stored_as]} AS {column.stored_as}" for column in columns)
    joins = " ".join(
        f"LEFT JOIN {to.table} AS r_{to.key} ON r_{to.key}.{to.code} = s.{column.name}"
        for column in columns
        if (to := column.reference) is not None and to.table != spec.table
    )
    known = " AND ".join(_equal(spec.column(name)) for name in spec.key if name in staged.columns)
    missing = " AND ".join(
        f"t.{spec.column(name).stored_as} IS NULL" for name in spec.key if name not in staged.columns
    )
    differing = [column for column in columns if column.name not in spec.key]
    old = ", ".join(f"t.{column.stored_as}" for column in differing)
    new = ", ".join(f"n.{column.stored_as}" for column in differing)
    changed = f"ROW({new}) IS DISTINCT FROM ROW({old})" if differing else "false"
    match = " AND ".join(part for part in (known, missing) if part) or "true"
    loading.execute(
        f"""CREATE TEMP TABLE merged_{spec.name} ON COMMIT DROP AS
            SELECT n.*, t.{key} AS existing, t.{key} IS NOT NULL AND {changed} AS is_changed
            FROM (SELECT s.line, {values} FROM {spec.staged} AS s {joins}) AS n
            LEFT JOIN {spec.table} AS t ON {match}"""
    )
    if differing:
        sets = ", ".join(f"{column.stored_as} = n.{column.stored_as}" for column in differing)
        loading.execute(
            f"UPDATE {spec.table} AS t SET {sets} FROM merged_{spec.name} AS n"
            f" WHERE t.{key} = n.existing AND n.is_changed"
        )
    names = ", ".join(column.stored_as for column in columns)
    loading.execute(
        f"INSERT INTO {spec.table} ({names})"
        f" SELECT {names} FROM merged_{spec.name} WHERE existing IS NULL ORDER BY line"
    )
    count_merged(loading, staged, f"merged_{spec.name}")
    _warn_of_stand_ins(loading, staged)


def count_merged(loading: Loading, staged: Staged, merged: str) -> None:
    """Add what became of the rows of a merged table (`existing`, `is_changed`) to the file's counts."""
    total, added, changed = loading.count(
        f"SELECT count(*), count(*) FILTER (WHERE existing IS NULL), count(*) FILTER (WHERE is_changed) FROM {merged}"
    )
    staged.count.added += added
    staged.count.changed += changed
    staged.count.unchanged += total - added - changed


def _warn_of_stand_ins(loading: Loading, staged: Staged) -> None:
    for column in staged.spec.columns:
        if column.is_required and column.default is not None:
            (rows,) = loading.count(f"SELECT count(*) FROM {staged.spec.staged} WHERE {column.name} IS NULL")
            if rows:
                loading.report.warnings.append(
                    f"{staged.file}: {rows:,} row(s) have no {column.name};"
                    f" {column.default.removeprefix('s.')} stands in"
                )


def find_key(loading: Loading, table: str) -> str:
    """The one column of a table's primary key."""
    row = loading.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE i.indrelid = %(table)s::regclass AND i.indisprimary",
        table=table,
    ).fetchone()
    assert row is not None
    return str(row[0])


def find_types(loading: Loading, table: str) -> dict[str, str]:
    """The type of each column of a table, with its precision."""
    rows = loading.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped",
        table=table,
    )
    return {str(name): str(kind) for name, kind in rows}


def _value(column: Column) -> str:
    to = column.reference
    if to is not None:
        return f"r_{to.key}.{to.key}"
    return f"coalesce(s.{column.name}, {column.default})" if column.default else f"s.{column.name}"


def _equal(column: Column) -> str:
    name = column.stored_as
    if column.is_required:
        return f"t.{name} = n.{name}"
    nothing = NO_ID if column.reference is not None else NO_DATE
    return f"coalesce(t.{name}, {nothing}) = coalesce(n.{name}, {nothing})"
