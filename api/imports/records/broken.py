"""Rows of record files that break a rule: gathered in one temporary table, then reported, or set aside.

A row is set aside as it was given, but for personal data: it waits in `import_quarantine` for a corrected one.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import polars as pl

from api.imports.columns import FileSpec
from api.imports.loading import Loading, Staged
from api.imports.records.derivation import record_files
from api.imports.report import EXAMPLES, LONGEST_VALUE, Fault
from api.schema.customers import PERSONAL

CREATE = """
    CREATE TEMP TABLE IF NOT EXISTS broken (file text, line bigint, column_name text, value text, rule text)
    ON COMMIT DROP"""

CREATE_KEPT = """
    CREATE TEMP TABLE set_aside_rows (file text, line bigint, store_id bigint, row jsonb, row_key text, rule text,
        column_name text, value text, fingerprint text) ON COMMIT DROP"""


@dataclass
class Gathered:
    """What reading a file found wrong, until no COPY is under way any more."""

    frames: list[pl.DataFrame] = field(default_factory=list)

    def add_rows(self, file: str, column: str, rule: str, lines: pl.Series, values: pl.Series) -> None:
        """Values of one column that break one rule, with their lines."""
        if lines.len():
            text = values.cast(pl.String, strict=False) if not values.dtype.is_nested() else [None] * values.len()
            self.frames.append(
                pl.DataFrame({"line": lines, "value": text}).select(
                    pl.lit(file).alias("file"), "line", pl.lit(column).alias("column"), "value", pl.lit(rule)
                )
            )

    def save(self, loading: Loading) -> None:
        """Put them beside what the later checks find."""
        if not self.frames:
            return
        buffer = io.BytesIO()
        pl.concat(self.frames).write_csv(buffer, include_header=False)
        with loading.connection.cursor() as cursor, cursor.copy("COPY broken FROM STDIN (FORMAT csv)") as copy:
            copy.write(buffer.getvalue())
        loading.execute("ANALYZE broken")


def count_broken(loading: Loading, staged: Staged) -> int:
    """How many rows of the file break some rule."""
    (rows,) = loading.count("SELECT count(DISTINCT line) FROM broken WHERE file = %(file)s", file=staged.file)
    return rows


def report_broken(loading: Loading) -> None:
    """Every broken row as a fault: the first of each kind, and the count. In a quarantine they are only listed."""
    kinds = loading.execute(
        "SELECT file, column_name, rule, count(*) FROM broken GROUP BY file, column_name, rule ORDER BY 1, 2, 3"
    ).fetchall()
    for file, column, rule, count in kinds:
        rows = loading.execute(
            f"""SELECT line, value FROM broken WHERE file = %(file)s AND rule = %(rule)s
                AND column_name IS NOT DISTINCT FROM %(column)s ORDER BY line LIMIT {EXAMPLES}""",
            file=file,
            rule=rule,
            column=column,
        ).fetchall()
        name = None if column is None else str(column)
        for line, value in rows:
            if loading.is_quarantine:
                shown = None if value is None else str(value)[:LONGEST_VALUE]
                loading.report.set_aside.append(Fault(str(file), int(str(line)), name, shown, str(rule)))
            else:
                loading.report.add_fault(str(file), str(rule), int(str(line)), name, value)
        if not loading.is_quarantine:
            loading.report.count_unseen(str(file), str(rule), name, int(str(count)) - len(rows))


def set_aside(loading: Loading) -> int:
    """Gather the broken rows of every record file in `set_aside_rows`; how many no earlier import has set aside."""
    for name, staged in loading.files.items():
        if name not in record_files():
            continue
        staged.count.quarantined = count_broken(loading, staged)
        if staged.count.quarantined:
            loading.execute(_kept(staged.spec, staged), file=staged.file, name=name)
    (new,) = loading.count(
        """SELECT count(*) FROM set_aside_rows AS s
        WHERE NOT EXISTS (SELECT FROM import_quarantine AS q WHERE q.fingerprint = s.fingerprint)"""
    )
    return new


def _kept(spec: FileSpec, staged: Staged) -> str:
    """The statement that makes `set_aside_rows` of one file's broken rows, each with the first rule it breaks."""
    personal = find_personal(spec)
    hidden = ", ".join(f"'{each}'" for each in ("line", *personal))
    is_personal = f"b.column_name IN ({', '.join(repr(each) for each in personal)})" if personal else "false"
    key = row_key(staged)
    store = "st.store_id" if "store_code" in staged.columns else "NULL::bigint"
    join = "LEFT JOIN stores AS st ON st.store_code = s.store_code" if "store_code" in staged.columns else ""
    return f"""
        INSERT INTO set_aside_rows
        SELECT DISTINCT ON (line) %(name)s::text, line, store_id, row, row_key, rule, column_name, value,
               md5(concat_ws(E'\\x1f', %(name)s::text, row_key, row::text, rule, column_name, value))
        FROM (
            SELECT s.line, {store} AS store_id, {key} AS row_key, b.rule, b.column_name,
                   CASE WHEN {is_personal} THEN NULL ELSE b.value END AS value,
                   jsonb_strip_nulls(to_jsonb(s) - ARRAY[{hidden}]::text[]
                       || CASE WHEN b.column_name IS NULL OR {is_personal} OR b.value IS NULL
                               OR NOT to_jsonb(s) ? b.column_name THEN '{{}}'::jsonb
                          WHEN s IS NULL THEN '{{}}'::jsonb
                          ELSE jsonb_build_object(b.column_name, b.value) END) AS row
            FROM broken AS b JOIN {spec.staged} AS s USING (line) {join}
            WHERE b.file = %(file)s) AS kept
        ORDER BY line, column_name, rule"""


def keep_rows(loading: Loading, import_id: int) -> None:
    """Write what `set_aside_rows` holds and no earlier import has."""
    loading.execute(
        """INSERT INTO import_quarantine
            (import_id, file, line, store_id, row, row_key, rule, column_name, value, fingerprint)
        SELECT %(import_id)s, file, line, store_id, row, row_key, rule, column_name, value, fingerprint
        FROM set_aside_rows ORDER BY file, line ON CONFLICT (fingerprint) DO NOTHING""",
        import_id=import_id,
    )


def release_rows(loading: Loading, staged: Staged) -> None:
    """Rows of this file that were set aside, and whose key a good row of this folder has, are released."""
    if not loading.count("SELECT EXISTS (SELECT FROM import_quarantine WHERE state = 'open')::integer")[0]:
        return
    loading.released += loading.execute(
        f"""UPDATE import_quarantine AS q SET state = 'released'
        WHERE q.file = %(name)s AND q.state = 'open' AND EXISTS (
            SELECT FROM {staged.spec.staged} AS s WHERE {row_key(staged)} = q.row_key
              AND NOT EXISTS (SELECT FROM broken AS b WHERE b.file = %(file)s AND b.line = s.line))""",
        name=staged.spec.name,
        file=staged.file,
    ).rowcount


def row_key(staged: Staged) -> str:
    """SQL for the key of a staged row `s` in one text; a person's is not kept as it is."""
    given = [name for name in staged.spec.key if name in staged.columns]
    key = " || ', ' || ".join(f"coalesce(s.{name}::text, '')" for name in given) or "s.line::text"
    return f"md5({key})" if set(given) & set(find_personal(staged.spec)) else f"({key})"


def find_personal(spec: FileSpec) -> tuple[str, ...]:
    """The columns of a file that say who somebody is: those of its table, and a customer's code anywhere."""
    return tuple(dict.fromkeys((*PERSONAL.get(spec.name, ()), "customer_code")))
