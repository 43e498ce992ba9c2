"""Reading one file in batches of bounded memory, with the line each row stands on and a checksum of what was read.

CSV comes as text only, Parquet in its own types; `values.py` decides what they must be. Knows no column by name.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

BATCH_ROWS = 100_000
SHOWN_WIDTHS = 20


@dataclass(frozen=True)
class Batch:
    """Rows of a file: `frame` has the file's columns, `lines` the line (CSV) or row (Parquet) of each."""

    frame: pl.DataFrame
    lines: pl.Series


class Unreadable(Exception):
    """A file, or one row of it, that cannot be read; `rule` says what it breaks, `is_fatal` whether reading ended."""

    def __init__(self, rule: str, line: int | None = None, value: str | None = None) -> None:
        super().__init__(rule)
        self.rule, self.line, self.value = rule, line, value


class CsvSource:
    """An RFC 4180 file in UTF-8. Rows of the wrong width are passed over: `ragged` counts them
    and `widths` has the first few as (line, width).
    """

    total: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ragged = 0
        self.widths: list[tuple[int, int]] = []
        self._digest = hashlib.sha256()
        self._text = io.TextIOWrapper(
            io.BufferedReader(_Hashed(path, self._digest), 1 << 20), encoding="utf-8-sig", newline=""
        )
        self._reader = csv.reader(self._text, strict=True)
        try:
            self.columns = next(self._reader, [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._explain(error) from None
        if not self.columns:
            raise Unreadable("must have a header line", line=1)

    def read(self) -> Iterator[Batch]:
        """Batches of text columns; raises Unreadable where the file stops being CSV or UTF-8."""
        rows: list[list[str]] = []
        lines: list[int] = []
        width = len(self.columns)
        line = self._reader.line_num + 1
        try:
            for row in self._reader:
                if len(row) == width:
                    rows.append(row)
                    lines.append(line)
                elif row:
                    self.ragged += 1
                    if self.ragged <= SHOWN_WIDTHS:
                        self.widths.append((line, len(row)))
                line = self._reader.line_num + 1
                if len(rows) == BATCH_ROWS:
                    yield self._batch(rows, lines)
                    rows, lines = [], []
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._explain(error) from None
        if rows:
            yield self._batch(rows, lines)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def close(self) -> None:
        self._text.close()

    def _batch(self, rows: list[list[str]], lines: list[int]) -> Batch:
        columns = [pl.Series(str(i), values, dtype=pl.String) for i, values in enumerate(zip(*rows, strict=True))]
        return Batch(pl.DataFrame(columns), pl.Series("line", lines, dtype=pl.Int64))

    def _explain(self, error: UnicodeDecodeError | csv.Error) -> Unreadable:
        if isinstance(error, csv.Error):
            return Unreadable(f"must be CSV as RFC 4180 has it ({error})", line=self._reader.line_num)
        # the decoder knows its place in a buffer only; a second look at the bytes finds it in the file
        offset = 0
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                try:
                    raw.decode("utf-8")
                except UnicodeDecodeError as found:
                    byte = raw[found.start]
                    rule = f"must be UTF-8: byte 0x{byte:02x} at offset {offset + found.start:,} of the file is not"
                    return Unreadable(rule, line=number, value=raw.decode("utf-8", "backslashreplace").strip())
                offset += len(raw)
        return Unreadable(f"must be UTF-8 ({error.reason})")


class ParquetSource:
    """A Parquet file, read by slices of its row groups."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        self.ragged = 0
        self.widths: list[tuple[int, int]] = []
        self._file = path.open("rb")
        self._before = os.fstat(self._file.fileno())
        self.sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        try:
            self._parquet = pq.ParquetFile(self._file)
        except (pa.ArrowException, OSError) as error:
            raise Unreadable(f"must be a whole Parquet file ({_first_line(error)})") from None
        self.columns: list[str] = self._parquet.schema_arrow.names
        self.total: int | None = self._parquet.metadata.num_rows

    def read(self) -> Iterator[Batch]:
        """Batches with the file's own types; raises Unreadable where the file is damaged or changed meanwhile."""
        import pyarrow as pa

        row = 1
        try:
            for batch in self._parquet.iter_batches(batch_size=BATCH_ROWS):
                frame = pl.from_arrow(
                    pa.Table.from_batches([batch]).rename_columns([str(i) for i in range(len(self.columns))])
                )
                assert isinstance(frame, pl.DataFrame)
                yield Batch(frame, pl.Series("line", range(row, row + frame.height), dtype=pl.Int64))
                row += frame.height
        except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
            raise Unreadable(f"must be a whole Parquet file ({_first_line(error)})", line=row) from None
        after = os.fstat(self._file.fileno())
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            raise Unreadable("must not change while it is read; import it again")

    def close(self) -> None:
        self._file.close()


Source = CsvSource | ParquetSource


def open_source(path: Path) -> Source:
    """The reader for a file by its suffix; raises Unreadable for one that cannot even be opened."""
    try:
        return ParquetSource(path) if path.suffix.lower() == ".parquet" else CsvSource(path)
    except OSError as error:
        raise Unreadable(f"must be readable ({error.strerror or error})") from None


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read, so that the checksum is of what was loaded."""

    def __init__(self, path: Path, digest: hashlib._Hash) -> None:
        self._file = io.FileIO(path, "rb")
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer is its contract
        count = self._file.readinto(buffer)
        self._digest.update(memoryview(buffer)[:count])
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
