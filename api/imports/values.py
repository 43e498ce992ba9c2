"""Whether a batch's values are what their columns demand, and the same values in the form that COPY takes.

A value that breaks its rule is reported and becomes null, so that the later checks still see its row. No database here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

import polars as pl

from api.imports.columns import Column, Kind
from api.imports.source import Batch

DATE = r"^\d{4}-\d{2}-\d{2}$"
TIME = r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$"
INTEGER = r"^[+-]?\d{1,18}(\.0+)?$"
DECIMAL = r"^[+-]?(\d+\.?\d*|\.\d+)$"
LONGEST_NUMBER = 60
FIRST_YEAR = 1900


class Told(Protocol):
    """Who is told of values that break a rule."""

    def add_rows(self, file: str, column: str, rule: str, lines: pl.Series, values: pl.Series) -> None: ...


def check_values(batch: Batch, columns: dict[int, Column], file: str, told: Told) -> pl.DataFrame:
    """`line` and one column per declared column, ready for COPY; whoever is `told` hears of faults.

    `columns` maps the position of a column in the file to its declaration.
    """
    checked = [batch.lines]
    for position, column in columns.items():
        raw = batch.frame.get_column(str(position))
        if raw.dtype == pl.Categorical or isinstance(raw.dtype, pl.Enum):
            raw = raw.cast(pl.String)
        if raw.dtype == pl.String:
            raw = raw.replace("", None)
        value = KINDS[column.kind](raw)
        wrong = raw.is_not_null() & (value.is_null() | _is_outside(value, column))
        told.add_rows(file, column.name, column.rule, batch.lines.filter(wrong), raw.filter(wrong))
        if wrong.any():
            value = pl.select(pl.when(~wrong).then(value)).to_series()
        if column.is_required and column.default is None:
            missing = raw.is_null()
            told.add_rows(file, column.name, "must be given", batch.lines.filter(missing), raw.filter(missing))
        checked.append(value.alias(column.name))
    return pl.DataFrame(checked)


def _is_outside(value: pl.Series, column: Column) -> pl.Series:
    outside = pl.Series([False]).new_from_index(0, value.len())
    if column.choices:
        outside = ~value.is_in(list(column.choices))
    if column.minimum is not None or column.maximum is not None:
        # exact for whole numbers, and near enough for money bounds, which are whole themselves
        number = value if value.dtype == pl.Int64 else value.cast(pl.Float64, strict=False)
        if column.minimum is not None:
            outside |= number < column.minimum
        if column.maximum is not None:
            outside |= number > column.maximum
    return outside.fill_null(False)


def _text(raw: pl.Series) -> pl.Series:
    if raw.dtype.is_nested() or raw.dtype == pl.Binary:
        return _nulls(raw, pl.String)
    text = raw.cast(pl.String)
    if not text.str.contains("\x00", literal=True).any():
        return text
    return _keep(text, ~text.str.contains("\x00", literal=True))


def _date(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.String:
        text = _keep(raw, raw.str.contains(DATE))
        date = text.str.to_date("%Y-%m-%d", strict=False)
    elif raw.dtype == pl.Date:
        date = raw
    elif raw.dtype == pl.Datetime:
        date = _keep(raw, raw == raw.dt.truncate("1d")).cast(pl.Date)
    else:
        return _nulls(raw, pl.Date)
    return _keep(date, date.dt.year().is_between(FIRST_YEAR, 9999))


def _timestamp(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.Datetime:
        offset = "" if raw.dtype.time_zone is None else "+00:00"  # type: ignore[attr-defined]  # the class is too wide
        zoneless = raw if not offset else raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return zoneless.dt.strftime("%Y-%m-%d %H:%M:%S%.6f") + offset
    if raw.dtype != pl.String:
        return _nulls(raw, pl.String)
    parts = raw.to_frame("raw").select(
        *(pl.col("raw").str.extract(TIME, group).alias(str(group)) for group in range(1, 5))
    )
    local = parts.select(pl.col("1") + " " + pl.col("2") + pl.col("3").fill_null(":00")).to_series()
    parsed = local.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False)
    text = parsed.dt.strftime("%Y-%m-%d %H:%M:%S%.6f") + parts.get_column("4").fill_null("")
    return _keep(text, parsed.dt.year() >= FIRST_YEAR)


def _integer(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.String:
        text = _keep(raw, raw.str.contains(INTEGER))
        return text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    if raw.dtype.is_integer():
        return raw.cast(pl.Int64, strict=False)
    if raw.dtype.is_float() or raw.dtype.is_decimal():
        number = raw.cast(pl.Float64)
        whole = number.is_finite() & (number == number.round()) & (number.abs() < 2**53)
        return _keep(number, whole).cast(pl.Int64, strict=False)
    return _nulls(raw, pl.Int64)


def _decimal(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.String:
        return _keep(raw, raw.str.contains(DECIMAL) & (raw.str.len_bytes() <= LONGEST_NUMBER))
    if raw.dtype.is_float():
        return _keep(raw, raw.is_finite()).cast(pl.String)
    if raw.dtype.is_numeric():
        return raw.cast(pl.String)
    return _nulls(raw, pl.String)


def _boolean(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.Boolean:
        return raw
    if raw.dtype != pl.String:
        return _nulls(raw, pl.Boolean)
    word = raw.str.to_lowercase()
    return _keep(word == "true", word.is_in(["true", "false"]))


def _json(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.Struct:
        raw = raw.struct.json_encode()
    if raw.dtype != pl.String:
        return _nulls(raw, pl.String)
    return pl.Series(raw.name, [None if text is None else _json_object(text) for text in raw], dtype=pl.String)


def _json_object(text: str) -> str | None:
    """The object in the form PostgreSQL takes, or None: it refuses NaN, lone surrogates and NUL characters."""
    try:
        found = json.loads(text)
        plain = json.dumps(found, ensure_ascii=False, allow_nan=False)
        plain.encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return plain if isinstance(found, dict) and "\\u0000" not in plain else None


def _keep(values: pl.Series, mask: pl.Series) -> pl.Series:
    return pl.select(pl.when(mask).then(values)).to_series()


def _nulls(raw: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    return pl.Series(raw.name, [None], dtype=dtype).new_from_index(0, raw.len())


KINDS: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    "text": _text,
    "date": _date,
    "timestamp": _timestamp,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "json": _json,
}
