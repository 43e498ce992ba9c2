"""Files into temporary tables by COPY, batch by batch: the header checked here, the values in `values.py`."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from api.imports.columns import STAGED_TYPES, Column, FileSpec, suggest
from api.imports.files import FILES, find_file
from api.imports.loading import Loading, Staged
from api.imports.records import broken
from api.imports.records.derivation import MASTERS, record_files, referred_to
from api.imports.report import FileCount, ImportReport
from api.imports.source import Source, Unreadable, open_source
from api.imports.values import check_values


def create_staging(loading: Loading) -> None:
    """A temporary table for every planner's file, so that later statements need not ask which were given."""
    loading.execute(broken.CREATE)
    loading.execute(broken.CREATE_KEPT)
    masters = [record_files()[name].file for name in record_files() if name in referred_to(MASTERS)]
    create_tables(loading, *FILES, *masters)


def create_tables(loading: Loading, *specs: FileSpec) -> None:
    """The temporary tables that rows of these files wait in."""
    for spec in specs:
        columns = ", ".join(f"{column.name} {STAGED_TYPES[column.kind]}" for column in spec.columns)
        loading.execute(f"CREATE TEMP TABLE IF NOT EXISTS {spec.staged} (line bigint, {columns}) ON COMMIT DROP")


def stage_file(loading: Loading, name: str, path: Path) -> None:
    """Read, check and copy one file; what is wrong with it goes to the report."""
    spec, report = find_file(name), loading.report
    create_tables(loading, spec)
    count = FileCount(path.name, "")
    report.files.append(count)
    columns: dict[int, Column] = {}
    is_whole = False
    try:
        source = open_source(path)
    except Unreadable as fault:
        report.add_fault(path.name, fault.rule, fault.line, value=fault.value)
    else:
        try:
            columns = _match_header(source.columns, spec, path.name, report)
            is_whole = _copy(loading, spec, source, columns, count)
        finally:
            source.close()
        count.sha256 = source.sha256
    present = frozenset(column.name for column in columns.values())
    is_whole = is_whole and present.issuperset(spec.required)
    loading.files[name] = Staged(spec, path.name, present, is_whole, count)
    loading.execute(f"ANALYZE {spec.staged}")


def _match_header(names: list[str], spec: FileSpec, file: str, report: ImportReport) -> dict[int, Column]:
    known = [column.name for column in spec.columns]
    line = None if file.lower().endswith(".parquet") else 1
    columns: dict[int, Column] = {}
    for position, name in enumerate(names):
        if name not in known:
            report.add_fault(file, f"is not a known column{suggest(name, known)}", line, name, kind="unknown column")
        elif name in (column.name for column in columns.values()):
            report.add_fault(file, "must be in the header once", line, name)
        else:
            columns[position] = spec.column(name)
    for name in spec.required:
        if name not in names:
            report.add_fault(file, "is a required column and is missing", line, name)
    return columns


def _copy(loading: Loading, spec: FileSpec, source: Source, columns: dict[int, Column], count: FileCount) -> bool:
    report, is_whole = loading.report, True
    gathered = broken.Gathered() if spec.name in record_files() else None
    names = ", ".join(["line", *(column.name for column in columns.values())])
    loading.progress(count.name, 0, source.total)
    with (
        loading.connection.cursor() as cursor,
        cursor.copy(f"COPY {spec.staged} ({names}) FROM STDIN (FORMAT csv)") as copy,
    ):
        try:
            for batch in source.read():
                frame = check_values(batch, columns, count.name, report if gathered is None else gathered)
                copy.write(_encode(frame))
                count.rows += frame.height
                loading.progress(count.name, count.rows, source.total)
        except Unreadable as fault:
            report.add_fault(count.name, fault.rule, fault.line, value=fault.value)
            is_whole = False
    if gathered is not None:
        gathered.save(loading)
    width = len(source.columns)
    for line, found in source.widths:
        rule = f"must have {width} values as the header has, and has {found}"
        report.add_fault(count.name, rule, line, kind="as many values as the header")
    hidden = source.ragged - len(source.widths)
    report.count_unseen(count.name, "as many values as the header", None, hidden)
    return is_whole and not source.ragged


def _encode(frame: pl.DataFrame) -> bytes:
    # nothing is an empty string any more, so COPY's CSV reads an empty value as null and loses nothing
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False)
    return buffer.getvalue()
