"""`chain.toml`: reading and checking it, and the one row of table `chain` it sets."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
import zoneinfo
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psycopg

from api.imports.columns import suggest
from api.imports.report import FileCount, ImportReport

REQUIRED = ("name", "currency", "timezone", "as_of")
CHOICES = {"sales_grain": ("line", "day", "week"), "unmet_demand": ("lost", "backordered")}
KEYS = (*REQUIRED, *CHOICES)


@dataclass(frozen=True)
class Chain:
    """What the chain says of itself; None where the folder (or, before the first import, the database) says nothing."""

    name: str | None = None
    currency: str | None = None
    timezone: str | None = None
    as_of: dt.date | None = None
    sales_grain: str | None = None
    unmet_demand: str | None = None

    def update(self, newer: Chain) -> Chain:
        """This chain with what the newer one says."""
        return replace(self, **{key: value for key, value in asdict(newer).items() if value is not None})


def read_chain(path: Path, is_first: bool, report: ImportReport) -> Chain:
    """What the file says, its values checked; a later folder needs `as_of` only, the rest stays as it was."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        report.add_fault(path.name, f"must be readable ({error.strerror or error})")
        return Chain()
    report.files.append(FileCount(path.name, hashlib.sha256(raw).hexdigest()))
    try:
        given = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        rule = f"must be UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start:,} of the file is not"
        report.add_fault(path.name, rule, line=line)
        return Chain()
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        report.add_fault(path.name, f"must be TOML ({error})", line=int(found[1]) if found else None)
        return Chain()
    lines = raw.decode("utf-8").splitlines()
    for key in given:
        if key not in KEYS:
            report.add_fault(path.name, f"is not a known key{suggest(key, KEYS)}", _line(lines, key), key)
    for key in REQUIRED if is_first else ("as_of",):
        if key not in given:
            report.add_fault(path.name, "must be given", column=key)
    values: dict[str, str | dt.date | None] = {}
    for key in KEYS:
        if key in given:
            value, broken = _check(key, given[key])
            if broken:
                report.add_fault(path.name, broken, _line(lines, key), key, given[key])
            values[key] = value
    return Chain(**values)  # type: ignore[arg-type]  # _check gives each key its type


def find_chain(connection: psycopg.Connection[tuple[object, ...]]) -> Chain | None:
    """The chain as it is in the database; None before the first import."""
    row = connection.execute(f"SELECT {', '.join(KEYS)} FROM chain").fetchone()
    return None if row is None else Chain(*row)  # type: ignore[arg-type]  # the columns are NOT NULL and typed


def save_chain(
    connection: psycopg.Connection[tuple[object, ...]], before: Chain | None, after: Chain, report: ImportReport
) -> None:
    """Write the one row where it differs, and count it."""
    if before != after:
        marks = ", ".join(["%s"] * len(KEYS))
        changes = ", ".join(f"{key} = EXCLUDED.{key}" for key in KEYS)
        connection.execute(
            f"INSERT INTO chain ({', '.join(KEYS)}) VALUES ({marks})"
            f" ON CONFLICT (chain_id) DO UPDATE SET {changes}, updated_at = now()",
            [getattr(after, key) for key in KEYS],
        )
    for count in report.files:
        if count.name == "chain.toml":
            count.rows = 1
            count.added, count.changed, count.unchanged = (
                int(before is None),
                int(before is not None and before != after),
                int(before == after),
            )


def _check(key: str, value: object) -> tuple[str | dt.date | None, str | None]:
    """The value and None, or None and the rule it breaks."""
    if key == "as_of":
        if type(value) is dt.date:
            return value, None
        try:
            return dt.datetime.strptime(str(value), "%Y-%m-%d").date(), None
        except ValueError:
            return None, "must be an ISO date such as 2024-04-15"
    if not isinstance(value, str) or not value.strip() or "\x00" in value:
        return None, "must be text, not empty"
    if key in CHOICES and value not in CHOICES[key]:
        return None, f"must be one of {', '.join(CHOICES[key])}"
    if key == "currency" and not re.fullmatch("[A-Z]{3}", value):
        return None, "must be a currency code of three capital letters such as EUR"
    if key == "timezone" and not _is_timezone(value):
        return None, "must be a time zone of the IANA database such as Europe/Paris"
    return value, None


def _is_timezone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _line(lines: list[str], key: str) -> int | None:
    for number, line in enumerate(lines, start=1):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return None
