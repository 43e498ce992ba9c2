"""Writes frames as a chain folder: CSV or Parquet per file, and chain.toml. Knows formats, not contents."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

TIMEZONE = "Asia/Kolkata"


PARQUET_ROWS = 20_000  # files of so many rows and more are Parquet


def write_folder(folder: Path, name: str, as_of: date, tables: dict[str, pl.DataFrame]) -> None:
    """Write `tables` and chain.toml into `folder`, in place of the files that an earlier run left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (".csv", ".parquet"):
        for earlier in folder.glob(f"*{suffix}"):
            earlier.unlink()
    chain = {
        "name": name,
        "currency": "INR",
        "timezone": TIMEZONE,
        "as_of": as_of.isoformat(),
        "sales_grain": "line",
        "unmet_demand": "lost",
    }
    text = "".join(f'{key} = "{value}"\n' for key, value in chain.items())
    (folder / "chain.toml").write_text(text, encoding="utf-8")
    for file, frame in tables.items():
        write_table(folder, file, frame, as_parquet=len(frame) >= PARQUET_ROWS)


def write_table(folder: Path, file: str, frame: pl.DataFrame, as_parquet: bool) -> None:
    """One file. Timestamps are UTC in Parquet; in CSV they carry the offset, as in `2025-04-01T18:05:00+05:30`."""
    if as_parquet:
        frame.write_parquet(folder / f"{file}.parquet", compression="zstd", row_group_size=131_072)
        return
    stamps = [c for c, t in frame.schema.items() if isinstance(t, pl.Datetime)]
    local = pl.col(stamps).dt.convert_time_zone(TIMEZONE).dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
    (frame.with_columns(local) if stamps else frame).write_csv(folder / f"{file}.csv")
