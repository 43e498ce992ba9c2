"""What an import says of itself: faults, counts and checksums per file, warnings; as text, as JSON, as files.

Knows nothing of how they were found.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = 20
LONGEST_VALUE = 100


@dataclass(frozen=True)
class Fault:
    """One broken rule. `line` counts a CSV file's lines from 1 (its header) and a Parquet file's rows from 1."""

    file: str
    line: int | None
    column: str | None
    value: str | None
    rule: str

    def __str__(self) -> str:
        line = "" if self.line is None else f"{'row' if self.file.lower().endswith('.parquet') else 'line'} {self.line}"
        column = f"column {self.column}" if self.column else ""
        value = f"value '{self.value}'" if self.value is not None else ""
        return f"{', '.join(part for part in (self.file, line, column, value) if part)}: {self.rule}"


@dataclass
class FileCount:
    """One file of the folder: checksum of what was read and what became of its rows.

    `rows` counts the file's rows; `added`, `changed` and `unchanged` count keys, so unkeyed sales that were summed
    (`summed` rows went into another row's total) make fewer. `closed` counts open orders the file no longer lists,
    `quarantined` rows that were set aside.
    """

    name: str
    sha256: str
    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    summed: int = 0
    closed: int = 0
    quarantined: int = 0


@dataclass
class ImportReport:
    """The outcome of one import; `faults` holds the first 20 of each kind, `fault_counts` says how many there were.

    `set_aside` holds the first 20 of each kind of rows that a quarantine keeps; every one is in `import_quarantine`.
    """

    folder: str
    as_of: dt.date | None = None
    is_dry_run: bool = False
    is_unchanged: bool = False
    files: list[FileCount] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    fault_counts: dict[tuple[str, str | None, str], int] = field(default_factory=dict)
    set_aside: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    moves: dict[str, int] = field(default_factory=dict)
    path: Path | None = None

    def add_fault(
        self,
        file: str,
        rule: str,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        kind: str | None = None,
        count: int = 1,
    ) -> None:
        """Count a fault and keep it while it is among the first 20 of its kind (file, column, `kind` or rule)."""
        key = (file, column, kind or rule)
        seen = self.fault_counts.get(key, 0)
        self.fault_counts[key] = seen + count
        if seen < EXAMPLES:
            shown = None if value is None else str(value)
            if shown is not None and len(shown) > LONGEST_VALUE:
                shown = shown[:LONGEST_VALUE] + "…"
            self.faults.append(Fault(file, line, column, shown, rule))

    def add_rows(self, file: str, column: str, rule: str, lines: pl.Series, values: pl.Series) -> None:
        """Count values of one column that break one rule, and keep the first 20."""
        for line, value in zip(lines.head(EXAMPLES), values.head(EXAMPLES), strict=True):
            self.add_fault(file, rule, line=line, column=column, value=value)
        self.count_unseen(file, rule, column, max(0, lines.len() - EXAMPLES))

    def count_unseen(self, file: str, kind: str, column: str | None, count: int) -> None:
        """Count faults of a kind beyond those added one by one."""
        if count:
            key = (file, column, kind)
            self.fault_counts[key] = self.fault_counts.get(key, 0) + count

    @property
    def fault_count(self) -> int:
        """How many faults there are, shown or not."""
        return sum(self.fault_counts.values())

    def file(self, name: str) -> FileCount:
        """The counts of one file by its name without suffix; KeyError when the folder has none."""
        for each in self.files:
            if each.name.rsplit(".", 1)[0] == name:
                return each
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, as it is kept in the `imports` table."""
        return {
            "folder": self.folder,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "is_dry_run": self.is_dry_run,
            "is_unchanged": self.is_unchanged,
            "files": [asdict(each) for each in self.files],
            "moves": self.moves,
            "warnings": self.warnings,
            "fault_count": self.fault_count,
            "fault_kinds": [
                {"file": file, "column": column, "rule": rule, "count": count}
                for (file, column, rule), count in self.fault_counts.items()
            ],
            "faults": [asdict(each) for each in self.faults],
            "set_aside": [asdict(each) for each in self.set_aside],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def to_text(self) -> str:
        """The report for a person: the outcome, a line per file or fault, warnings, and where the report lies."""
        lines = self._faults() if self.faults else self._counts()
        lines += [f"  warning: {warning}" for warning in self.warnings]
        if self.path is not None:
            lines.append(f"  This report: {self.path.with_suffix('.txt')} (and .json)")
        return "\n".join(lines)

    def _faults(self) -> list[str]:
        total = self.fault_count
        lines = [f"{self.folder}: nothing was loaded, {total:,} fault{'s' if total > 1 else ''}."]
        lines += [f"  {fault}" for fault in self.faults]
        hidden = total - len(self.faults)
        if hidden > 0:
            lines.append(f"  … and {hidden:,} more of these kinds:")
            lines += [
                f"    {file}{f', column {column}' if column else ''}: {rule}: {count:,} in all"
                for (file, column, rule), count in self.fault_counts.items()
                if count > EXAMPLES
            ]
        return lines

    def _counts(self) -> list[str]:
        lines = [f"{self.folder}: {self._outcome()}, data complete up to the opening of {self.as_of}."]
        for each in self.files:
            extra = f", {each.summed:,} rows summed into another" if each.summed else ""
            extra += f", {each.closed:,} closed" if each.closed else ""
            extra += f", {each.quarantined:,} set aside" if each.quarantined else ""
            counts = f"{each.rows:,} rows: {each.added:,} added, {each.changed:,} changed, {each.unchanged:,} unchanged"
            lines.append(f"  {each.name}: {counts}{extra}  sha256 {each.sha256}")
        lines += [f"  set aside: {fault}" for fault in self.set_aside]
        if self.moves:
            lines.append("  stock moves: " + ", ".join(f"{count:,} {kind}" for kind, count in self.moves.items()))
        return lines

    def __str__(self) -> str:
        return self.to_text()

    def write(self, directory: Path) -> None:
        """Write `<time>-<folder>.json` and `.txt` into `directory`; where that fails, a warning says so."""
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = directory / f"{stamp}-{Path(self.folder).resolve().name}.json"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path.write_text(self.to_json() + "\n", encoding="utf-8")
            path.with_suffix(".txt").write_text(self.to_text() + "\n", encoding="utf-8")
        except OSError as error:
            self.warnings.append(f"the report could not be written to {directory}: {error.strerror or error}")
        else:
            self.path = path

    def _outcome(self) -> str:
        if self.is_unchanged:
            return "nothing changed, everything in it was loaded before"
        return "valid, nothing loaded (dry run)" if self.is_dry_run else "loaded"


class InvalidFolder(Exception):
    """The folder breaks a rule and nothing of it was loaded; `report` lists every fault."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return self.report.to_text()
