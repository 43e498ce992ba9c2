"""The import of a chain folder: read, check, merge, post, commit; or report every fault and load nothing.

The public entry is `import_folder`. What each step does is in its own module; here is only their order.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import psycopg

from api.imports.availability import check_spans, end_spans
from api.imports.chain import Chain, find_chain, read_chain, save_chain
from api.imports.checks import check_files, check_orders_once
from api.imports.erased import forget_erased
from api.imports.files import FILES
from api.imports.ledger import create_receipts, find_anchors, post_moves
from api.imports.listing import list_folder, require_files
from api.imports.loading import Connection, Loading, Progress
from api.imports.lock import NAME, take_lock
from api.imports.merge import merge_file
from api.imports.orders import merge_open_orders
from api.imports.previous import mark_moment, repeat_import
from api.imports.records.broken import keep_rows, release_rows, report_broken, set_aside
from api.imports.records.derivation import record_files
from api.imports.records.merge import merge_record
from api.imports.report import ImportReport, InvalidFolder
from api.imports.sales import create_delta, merge_sales, note_sales
from api.imports.staging import create_staging, stage_file
from ims.settings import get_settings

SESSION = (
    "SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL client_min_messages = warning"
)


def import_folder(
    path: Path,
    url: str,
    dry_run: bool = False,
    progress: Progress | None = None,
    reports: Path | None = None,
    is_quarantine: bool = False,
) -> ImportReport:
    """Load a chain folder into the operational database at `url` (libpq), in one transaction.

    The report is also written to `reports` (by default `IMS_HOME`/imports). `dry_run` does all but commit.
    `is_quarantine` sets rows of record files that break a rule aside instead of refusing the folder for them.
    Raises InvalidFolder with the report of every fault; the database is then as it was.
    """
    report = ImportReport(folder=str(path), is_dry_run=dry_run)
    directory = reports or get_settings().home / "imports"
    with psycopg.connect(url, application_name=f"{NAME} {path.resolve().name}"[:63]) as connection:
        try:
            loading = _import(path, connection, report, progress or _ignore, is_quarantine)
        except InvalidFolder:
            connection.rollback()
            report.write(directory)
            raise
        if dry_run or report.is_unchanged:
            connection.rollback()
        else:
            import_id = _record(connection, report)
            if loading is not None:
                keep_rows(loading, import_id)
            connection.commit()
    report.write(directory)
    return report


def _import(
    path: Path, connection: Connection, report: ImportReport, progress: Progress, is_quarantine: bool
) -> Loading | None:
    """Everything but the commit; None where the folder is the last one loaded, unchanged."""
    found = list_folder(path, report)
    _stop_at_faults(report, is_final=not found)
    take_lock(connection, progress)
    connection.execute(SESSION)
    before = find_chain(connection)
    loading = Loading(connection, report, progress, before, is_quarantine=is_quarantine)
    if loading.before is None:
        require_files(found, report)
    elif not report.faults and repeat_import(connection, found, report, is_quarantine):
        return None
    _read(loading, found)
    forget_erased(loading)
    check_files(loading)
    if "availability" in loading.files:
        check_spans(loading, loading.files["availability"])
    if "sales" in loading.files and "sales_orders" in loading.files:
        check_orders_once(loading, loading.files["sales"])
    if report.faults and not is_quarantine:
        report_broken(loading)
    _stop_at_faults(report)
    try:
        _merge(loading)
        report_broken(loading)
    except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
        _report_refusal(error, report)
    _stop_at_faults(report)
    new = set_aside(loading)
    report.as_of = loading.as_of
    files = report.files
    report.is_unchanged = not (any(each.added or each.changed or each.closed for each in files) or report.moves or new)
    report.is_unchanged &= not loading.released
    return loading


def _read(loading: Loading, found: dict[str, Path]) -> None:
    """Stage every file and settle what the chain says of itself."""
    report = loading.report
    given = Chain()
    if "chain" in found:
        given = read_chain(found["chain"], loading.before is None, report)
    loading.after = (loading.before or Chain()).update(given)
    if loading.after.timezone:
        _set_timezone(loading, loading.after.timezone)
    create_staging(loading)
    for name, path in found.items():
        if name != "chain":
            stage_file(loading, name, path)
    _settle(loading, given)


def _set_timezone(loading: Loading, zone: str) -> None:
    # times without an offset are the chain's own
    try:
        with loading.connection.transaction():
            loading.execute("SELECT set_config('TimeZone', %(zone)s, true)", zone=zone)
    except psycopg.errors.InvalidParameterValue:
        rule = "must be a time zone that PostgreSQL knows, such as Europe/Paris"
        loading.report.add_fault("chain.toml", rule, column="timezone", value=zone)


def _settle(loading: Loading, given: Chain) -> None:
    """Defaults of a first folder, and the as_of of one that gives none."""
    report, before = loading.report, loading.before
    has_orders = "sales" in loading.files and "order_ref" in loading.files["sales"].columns
    has_orders |= "sales_order_lines" in loading.files
    defaults = Chain(sales_grain="line" if has_orders else "day", unmet_demand="lost")
    loading.after = defaults.update(loading.after)
    if before is None or before.as_of is None:
        if loading.after.as_of is None:  # reported already; the checks need some day to compare with
            loading.after = loading.after.update(Chain(as_of=dt.date.max))
        return
    if given.as_of is not None and given.as_of < before.as_of:
        rule = f"must not lie before {before.as_of}, up to which the chain is loaded"
        report.add_fault("chain.toml", rule, column="as_of", value=given.as_of)
    if given.as_of is None:
        row = loading.execute("SELECT max(as_of) FROM staged_stock").fetchone()
        stated = row[0] if row is not None else None
        if isinstance(stated, dt.date) and stated > before.as_of:
            loading.after = loading.after.update(Chain(as_of=stated))
            report.warnings.append(
                f"the folder has no chain.toml; its newest stock statement moves the chain's as_of to {stated}"
            )


def _merge(loading: Loading) -> None:
    create_receipts(loading)
    create_delta(loading)
    find_anchors(loading)
    for name, staged in loading.files.items():
        if name == "sales":
            merge_sales(loading, staged)
        elif name == "open_orders":
            merge_open_orders(loading, staged)
        elif name == "sales_order_lines":
            merge_record(loading, staged, before_writing=note_sales)
        elif name in record_files() and name != "stock_moves":
            merge_record(loading, staged)
        elif name in record_files():
            pass  # the moves are posted with the ledger
        else:
            if name == "availability":
                end_spans(loading, staged)
            merge_file(loading, staged)
    save_chain(loading.connection, loading.before, loading.after, loading.report)
    post_moves(loading)
    for name, staged in loading.files.items():
        if name in record_files():
            release_rows(loading, staged)


def _report_refusal(error: psycopg.Error, report: ImportReport) -> None:
    """A rule that only the table itself sees, because the folder gives one part and an earlier one gave the other."""
    table = error.diag.table_name
    file = table if table in record_files() else None
    file = next((spec.name for spec in FILES if spec.table == table), file or report.folder)
    named = next((each.name for each in report.files if each.name.split(".")[0] == file), file)
    said = " ".join(part for part in (error.diag.message_primary, error.diag.message_detail) if part)
    report.add_fault(named, f"must agree with what is loaded already ({said})")


def _record(connection: Connection, report: ImportReport) -> int:
    # rows that were set aside are kept without what is personal in them, elsewhere
    kept = report.to_dict() | {"moment": mark_moment(connection), "set_aside": []}
    row = connection.execute(
        "INSERT INTO imports (folder, as_of, report) VALUES (%s, %s, %s) RETURNING import_id",
        [report.folder, report.as_of, json.dumps(kept)],
    ).fetchone()
    assert row is not None
    return int(str(row[0]))


def _stop_at_faults(report: ImportReport, is_final: bool = True) -> None:
    if report.faults and is_final:
        raise InvalidFolder(report)


def _ignore(description: str, done: int, total: int | None) -> None:
    """A progress that nobody watches."""
