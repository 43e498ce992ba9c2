"""A frame as a csv, xlsx or parquet file with its manifest: written whole beside its place, then moved there."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from api.publications import Published
from warehouse.spreadsheets import TEXT_STAYS_TEXT, escape_formulas

SUFFIXES = (".csv", ".xlsx", ".parquet")
XLSX_ROWS = 1_048_575


@dataclass(frozen=True)
class Manifest:
    """What lies beside an exported file: enough to prove what it is and where its figures come from."""

    kind: str
    file: str
    rows: int
    sha256: str
    snapshot_id: int
    as_of: dt.date
    data_as_of: dt.date
    published_at: dt.datetime
    checks: dict[str, Any]
    metric_version: str
    notes: list[str]
    filters: dict[str, Any]
    created_at: dt.datetime

    def to_json(self) -> str:
        """The manifest as text; dates and times in ISO form."""
        return json.dumps(asdict(self), indent=2, default=str) + "\n"


def describe_file(
    published: Published, kind: str, file: str, rows: int, filters: dict[str, Any], sha256: str = ""
) -> Manifest:
    """The manifest of a file made now from what is published; without its digest while it is not written yet."""
    return Manifest(
        kind=kind,
        file=file,
        rows=rows,
        sha256=sha256,
        snapshot_id=published.snapshot_id,
        as_of=published.as_of,
        data_as_of=published.data_as_of,
        published_at=published.published_at,
        checks=published.checks,
        metric_version=published.metric_version,
        notes=published.notes,
        filters=filters,
        created_at=dt.datetime.now(dt.UTC),
    )


def check_suffix(out: Path) -> None:
    """Raise ValueError unless the file's suffix names a format."""
    if out.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{out} ends in {out.suffix or 'nothing'!r}; the suffix decides the format: {', '.join(SUFFIXES)}."
        )


def write_file(frame: pl.DataFrame, out: Path, manifest: Manifest) -> Manifest:
    """Write the file, then its manifest with the file's checksum. Raises OSError; ValueError when it does not fit."""
    check_suffix(out)
    beside = out.with_name(f".{out.stem}.{os.getpid()}{out.suffix}")
    note = out.with_name(out.name + ".manifest.json")
    try:
        write_frame(frame, beside)
        whole = replace(manifest, sha256=_checksum(beside))
        beside_note = note.with_name(f".{note.name}.{os.getpid()}")
        beside_note.write_text(whole.to_json())
        beside.replace(out)
        beside_note.replace(note)
    finally:
        beside.unlink(missing_ok=True)
    return whole


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """The frame as a file of the format its suffix says; text stays text. Raises ValueError when it does not fit."""
    {".csv": _write_csv, ".xlsx": _write_xlsx, ".parquet": _write_parquet}[path.suffix.lower()](frame, path)


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    escape_formulas(frame).write_csv(path, float_scientific=False)


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path)


def _write_xlsx(frame: pl.DataFrame, path: Path) -> None:
    from xlsxwriter import Workbook

    if frame.height > XLSX_ROWS:
        raise ValueError(f"{frame.height:,} rows do not fit a sheet of {XLSX_ROWS:,}; write .csv or .parquet")
    with Workbook(path, dict(TEXT_STAYS_TEXT)) as workbook:
        frame.write_excel(
            workbook, "export", freeze_panes=(1, 0), autofilter=True, autofit=frame.height < 50_000, float_precision=4
        )


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
