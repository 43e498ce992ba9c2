"""The order list as a file: the columns a spreadsheet wants, safe to open, with the passport in it."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards.passport import Passport
from warehouse.spreadsheets import TEXT_STAYS_TEXT, escape_formulas

COLUMNS: dict[str, Any] = {
    "as_of": pl.Date,
    "suggestion_id": pl.Int64,
    "state": pl.String,
    "kind": pl.String,
    "store_code": pl.String,
    "store_name": pl.String,
    "sku": pl.String,
    "product_name": pl.String,
    "category": pl.String,
    "vendor_code": pl.String,
    "source_store_code": pl.String,
    "on_hand": pl.Int64,
    "on_order": pl.Int64,
    "suggested_qty": pl.Int64,
    "approved_qty": pl.Int64,
    "order_by": pl.Date,
    "arrives_on": pl.Date,
    "covers_until": pl.Date,
    "expected_demand": pl.Float64,
    "demand_p50": pl.Float64,
    "demand_p90": pl.Float64,
    "reason": pl.String,
    "priority": pl.Float64,
    "expires_on": pl.Date,
}


def order_frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """The rows as a frame of COLUMNS."""
    values = [{name: _plain(row.get(name)) for name in COLUMNS} for row in rows]
    return pl.DataFrame(values, schema=COLUMNS)


def write_csv(frame: pl.DataFrame) -> bytes:
    """CSV in UTF-8 with a mark, so that spreadsheets read ₹ and names right; no cell of it runs as a formula."""
    return b"\xef\xbb\xbf" + escape_formulas(frame).write_csv(float_scientific=False).encode()


def write_xlsx(rows: Sequence[dict[str, Any]], passport: Passport) -> bytes:
    """A workbook: the list, and a sheet that says where it comes from."""
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **TEXT_STAYS_TEXT}) as workbook:
        order_frame(rows).write_excel(
            workbook, "Suggestions", autofit=True, freeze_panes=(1, 0), dtype_formats={pl.Date: "yyyy-mm-dd"}
        )
        sheet = workbook.add_worksheet("Passport")
        sheet.set_column(0, 1, 28)
        for line, (name, value) in enumerate(describe_file(rows, passport).items()):
            sheet.write_row(line, 0, [name, value])
    return buffer.getvalue()


def write_table(frame: pl.DataFrame, labels: Mapping[str, str], passport: Passport, about: Mapping[str, Any]) -> bytes:
    """A workbook of any table: people's words for its columns, and a sheet that says where it comes from."""
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **TEXT_STAYS_TEXT}) as workbook:
        frame.rename({name: label for name, label in labels.items() if name in frame.columns}).write_excel(
            workbook, "Figures", autofit=True, freeze_panes=(1, 1), dtype_formats={pl.Date: "yyyy-mm-dd"}
        )
        sheet = workbook.add_worksheet("Passport")
        sheet.set_column(0, 1, 28)
        facts = describe_file(range(frame.height), passport) | {name: str(value) for name, value in about.items()}
        for line, (name, value) in enumerate(facts.items()):
            sheet.write_row(line, 0, [name, value])
    return buffer.getvalue()


def describe_file(rows: Sequence[Any], passport: Passport) -> dict[str, str]:
    """The passport of the file."""
    return {
        "chain": passport.chain,
        "as_of": passport.as_of.isoformat(),
        "data_as_of": passport.data_as_of.isoformat(),
        "snapshot_id": str(passport.snapshot_id),
        "run_id": passport.run_id,
        "metric_version": passport.metric_version,
        "currency": passport.currency,
        "rows": str(len(rows)),
        "written_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
