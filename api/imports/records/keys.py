"""Keys of a record file's rows: twice in the file, taken by another row of the table, or spans that overlap."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from api.imports.loading import Loading, Staged
from api.imports.records.derivation import RecordSpec
from api.imports.records.metadata import find_metadata
from api.imports.records.resolution import Resolved
from api.imports.records.rules import file_column

RANGE = re.compile(r"int8range\((.+), \1, '\[\]'\)")
BANDS = re.compile(r"numrange\((\w+), (\w+), '\[\]'\)")


def find_repeats(loading: Loading, staged: Staged, spec: RecordSpec, resolved: Resolved) -> None:
    """Put rows whose key, or another unique value, or span of validity stands already, into `broken`."""
    if spec.key:
        _find_twice(loading, staged, spec, resolved)
    for columns in _other_keys(spec):
        if set(columns) & set(resolved.given):
            _find_taken(loading, staged, spec, resolved, columns)
    for constraint in find_metadata().tables[spec.name].constraints:
        if isinstance(constraint, ExcludeConstraint):
            _find_overlaps(loading, staged, spec, resolved, constraint)


def _find_twice(loading: Loading, staged: Staged, spec: RecordSpec, resolved: Resolved) -> None:
    key = ", ".join(spec.key)
    (has_any,) = loading.count(
        f"SELECT EXISTS (SELECT FROM {resolved.table} GROUP BY {key} HAVING count(*) > 1)::integer"
    )
    if has_any:
        shown = " || ', ' || ".join(f"coalesce(s.{name}::text, '')" for name in spec.file.key if name in staged.columns)
        loading.execute(
            f"""INSERT INTO broken
            SELECT %(file)s, line, %(column)s, {shown},
                   'must be in the file once; the same key stands already in line ' || first_line
            FROM (SELECT line, min(line) OVER (PARTITION BY {key}) AS first_line FROM {resolved.table}) AS k
            JOIN {spec.file.staged} AS s USING (line) WHERE line > first_line""",
            file=staged.file,
            column=" + ".join(spec.file.key),
        )


def _other_keys(spec: RecordSpec) -> list[tuple[str, ...]]:
    table = find_metadata().tables[spec.name]
    identity = {column.name for column in table.primary_key}
    found = [
        tuple(column.name for column in each.columns)
        for each in (*table.constraints, *table.indexes)
        if isinstance(each, sa.UniqueConstraint) or (isinstance(each, sa.Index) and each.unique)
    ]
    # an index over an expression has no columns to compare here; its breach is told by the table itself
    return sorted(key for key in found if key and not set(key) & identity and set(key) != set(spec.key))


def _find_taken(
    loading: Loading, staged: Staged, spec: RecordSpec, resolved: Resolved, columns: tuple[str, ...]
) -> None:
    same = " AND ".join(f"t.{name} = m.{name}" for name in columns)
    given = " AND ".join(f"m.{name} IS NOT NULL" for name in columns)
    names = ", ".join(f"m.{name}" for name in columns)
    shown = " || ', ' || ".join(f"m.{name}::text" for name in columns)
    files = [file_column(spec, name) or name for name in columns]
    insert = f"INSERT INTO broken SELECT %(file)s, line, %(column)s, {shown}, 'must be of one row only'"
    values = {"file": staged.file, "column": " + ".join(files)}
    loading.execute(
        f"""{insert} FROM {resolved.table} AS m JOIN {spec.name} AS t ON {same}
        WHERE t.{resolved.identity} IS DISTINCT FROM m.existing""",
        **values,
    )
    (has_any,) = loading.count(
        f"""SELECT EXISTS (SELECT FROM {resolved.table} AS m WHERE {given}
            GROUP BY {names} HAVING count(*) > 1)::integer"""
    )
    if has_any:
        loading.execute(
            f"""{insert} FROM (
                SELECT m.*, min(line) OVER (PARTITION BY {names}) AS first_line
                FROM {resolved.table} AS m WHERE {given}) AS m
            WHERE line > first_line""",
            **values,
        )


def _find_overlaps(
    loading: Loading, staged: Staged, spec: RecordSpec, resolved: Resolved, constraint: ExcludeConstraint
) -> None:
    """Spans of one key lie one after the other; those of bands of one table of prices, within each band."""
    texts = [str(element) for element, *_ in constraint._render_exprs]
    keys = [found[1] for text in texts if (found := RANGE.search(text))]
    for text in texts:
        if found := BANDS.search(text):
            keys += [found[1], found[2]]
    columns = f"valid_from_on, valid_to_on, {', '.join(f'{key} AS key_{n}' for n, key in enumerate(keys))}"
    partition = ", ".join(f"key_{n}" for n in range(len(keys)))
    loading.execute(
        f"""INSERT INTO broken
        SELECT %(file)s, coalesce(line, before), 'valid_from_on', valid_from_on::text,
               'must not overlap the span before it of the same key'
        FROM (SELECT line, valid_from_on,
                     max(coalesce(valid_to_on, 'infinity')) OVER earlier AS until, max(line) OVER earlier AS before
              FROM (SELECT line, {columns} FROM {resolved.table}
                    UNION ALL
                    SELECT NULL, {columns} FROM {spec.name} AS t
                    WHERE NOT EXISTS (SELECT FROM {resolved.table} AS m WHERE m.existing = t.{resolved.identity}))
                   AS spans
              WINDOW earlier AS (PARTITION BY {partition} ORDER BY valid_from_on
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS laid
        WHERE valid_from_on <= until AND coalesce(line, before) IS NOT NULL""",
        file=staged.file,
    )
