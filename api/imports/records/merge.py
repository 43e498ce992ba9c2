"""A record file into its table: rows that break a rule are found and left out, the others inserted or updated."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from api.imports.bulk import indexes_built_later, trust_references
from api.imports.loading import Loading, Staged
from api.imports.merge import count_merged
from api.imports.records.broken import count_broken
from api.imports.records.derivation import RecordSpec, record_files
from api.imports.records.keys import find_repeats
from api.imports.records.metadata import find_metadata
from api.imports.records.resolution import Resolved, resolve
from api.imports.records.rules import Rule, rules_of_checks, rules_of_links, rules_of_time

MANY_ROWS = 1000
# documents whose state goes one way only, when people work with them; history is corrected
GUARDED = ("stock_transfers", "stock_counts", "stock_adjustments")


def merge_record(
    loading: Loading, staged: Staged, before_writing: Callable[[Loading, Resolved], None] | None = None
) -> None:
    """Merge one file by its key, and count. Broken rows go to the table `broken`."""
    spec = record_files()[staged.spec.name]
    loading.progress(f"load {staged.file}", 0, staged.count.rows)
    if spec.rounds is None:
        _merge(loading, staged, spec, "true", before_writing)
    else:
        rounds = loading.execute(f"SELECT DISTINCT {spec.rounds} FROM {spec.file.staged} AS s ORDER BY 1").fetchall()
        for (value,) in rounds:
            _merge(loading, staged, spec, f"{spec.rounds} = {int(str(value))}", before_writing)
    loading.progress(f"load {staged.file}", staged.count.rows, staged.count.rows)


def _merge(
    loading: Loading,
    staged: Staged,
    spec: RecordSpec,
    where: str,
    before_writing: Callable[[Loading, Resolved], None] | None,
) -> None:
    resolved = resolve(loading, staged, spec, where)
    _leave_own(loading, staged, spec, resolved)
    find_broken(loading, staged, spec, resolved)
    if before_writing is not None:
        before_writing(loading, resolved)
    try:
        with loading.connection.transaction():
            _write(loading, spec, resolved)
    except psycopg.errors.CheckViolation:
        if not _hold_against(
            loading, staged, resolved.table, [each for each in rules_of_checks(spec) if each.is_costly]
        ):
            raise
        _drop_broken(loading, staged, resolved.table)
        loading.faulty.add(spec.name)
        _write(loading, spec, resolved)
    count_merged(loading, staged, resolved.table)


def find_broken(loading: Loading, staged: Staged, spec: RecordSpec, resolved: Resolved) -> None:
    """Take the rows that break a rule out of the merged table; why is in `broken`."""
    table = resolved.table
    _drop_broken(loading, staged, table)
    untold = frozenset() if loading.is_quarantine else frozenset(loading.faulty)
    rules = [*rules_of_links(spec, staged.columns, untold), *rules_of_checks(spec), *rules_of_time(spec)]
    _hold_against(loading, staged, table, [rule for rule in rules if not rule.is_costly])
    # a row that names nothing known was either told of, or its master was
    lost = " OR ".join(f"k_{link.name} IS NULL" for link in spec.links if link.is_required)
    if lost:
        loading.execute(f"DELETE FROM {table} WHERE {lost}")
    _drop_broken(loading, staged, table)
    find_repeats(loading, staged, spec, resolved)
    _drop_broken(loading, staged, table)
    if count_broken(loading, staged):
        loading.faulty.add(spec.name)


def _hold_against(loading: Loading, staged: Staged, table: str, rules: list[Rule]) -> int:
    if not rules:
        return 0
    counts = loading.count(
        f"SELECT {', '.join(f'count(*) FILTER (WHERE {rule.broken})' for rule in rules)} FROM {table} AS m"
    )
    for rule, count in zip(rules, counts, strict=True):
        if count:
            loading.execute(
                f"INSERT INTO broken SELECT %(file)s, line, %(column)s, {rule.value}, %(said)s FROM {table} AS m"
                f" WHERE {rule.broken}",
                file=staged.file,
                column=rule.column,
                said=rule.said,
            )
    return sum(counts)


def _drop_broken(loading: Loading, staged: Staged, table: str) -> None:
    loading.execute(
        f"DELETE FROM {table} WHERE line IN (SELECT line FROM broken WHERE file = %(file)s)", file=staged.file
    )


def _leave_own(loading: Loading, staged: Staged, spec: RecordSpec, resolved: Resolved) -> None:
    if spec.own is None:
        return
    left = loading.execute(f"DELETE FROM {resolved.table} AS n WHERE {spec.own}").rowcount
    if left:
        staged.count.unchanged += left
        loading.report.warnings.append(
            f"{staged.file}: {left:,} row(s) are of this system's own making; they are left as they are"
        )


def _write(loading: Loading, spec: RecordSpec, resolved: Resolved) -> None:
    added, changed = loading.count(
        f"SELECT count(*) FILTER (WHERE existing IS NULL), count(*) FILTER (WHERE is_changed) FROM {resolved.table}"
    )
    if changed:
        _update(loading, spec, resolved)
    if added:
        _make_months(loading, spec, resolved)
        names = ", ".join(resolved.columns)
        # what is referred to was just found, and of what imports refer to nothing is ever deleted
        with trust_references(loading, added), indexes_built_later(loading, spec.name, added):
            loading.execute(
                f"INSERT INTO {spec.name} ({names})"
                f" SELECT {names} FROM {resolved.table} WHERE existing IS NULL ORDER BY line"
            )
            if added >= MANY_ROWS:
                # the next file joins this table, and must not take it for empty
                loading.execute(f"ANALYZE {spec.name}")


def _update(loading: Loading, spec: RecordSpec, resolved: Resolved) -> None:
    sets = [name for name in resolved.given if name not in spec.key and name not in spec.never]
    if spec.name in GUARDED:
        loading.execute(f"ALTER TABLE {spec.name} DISABLE TRIGGER guard_status")
    loading.execute(
        f"UPDATE {spec.name} AS t SET {', '.join(f'{name} = m.{name}' for name in sets)}"
        f" FROM {resolved.table} AS m WHERE t.{resolved.identity} = m.existing AND m.is_changed"
    )
    if spec.name in GUARDED:
        loading.execute(f"ALTER TABLE {spec.name} ENABLE TRIGGER guard_status")


def _make_months(loading: Loading, spec: RecordSpec, resolved: Resolved) -> None:
    """Partitions for the months that have many rows; a month of a few lies as well in the default partition."""
    by = find_metadata().tables[spec.name].dialect_options["postgresql"]["partition_by"]
    if not by:
        return
    day = by.removeprefix("RANGE (").removesuffix(")")
    loading.execute(
        f"""SELECT ims_make_partitions(%(table)s::regclass, month, month) FROM (
            SELECT date_trunc('month', {day})::date AS month FROM {resolved.table}
            WHERE existing IS NULL GROUP BY 1 HAVING count(*) >= {MANY_ROWS} ORDER BY 1) AS months""",
        table=spec.name,
    )
