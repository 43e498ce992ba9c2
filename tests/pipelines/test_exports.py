"""Exports: the promised columns, every planned pair on request, a manifest as proof, no formula, no half file."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
from pathlib import Path

import openpyxl
import polars as pl
import psycopg
import pytest

from api.database import create_engine
from api.publications import publish
from api.suggestions import write_suggestions
from models.policy.plan import PLAN_SCHEMA
from pipelines.exports import ExportRefused, export
from pipelines.files import write_file
from pipelines.frames import write_output
from warehouse.contracts import contract, contracts, create_table
from warehouse.lake import connect, current_snapshot

DAY = dt.date(2024, 4, 15)
SUGGESTION_COLUMNS = (
    "as_of,suggestion_id,state,kind,store_code,sku,vendor_code,source_store_code,on_hand,on_order,suggested_qty,order_by,"
    "arrives_on,covers_until,expected_demand,demand_p50,demand_p90,reason,priority"
)
FORECAST_COLUMNS = "as_of,store_code,sku,week_starting_on,mean_qty," + ",".join(f"p{q:02d}" for q in range(5, 100, 5))
MASTERS = """
INSERT INTO stores (store_code, name) VALUES ('S1', 'One');
INSERT INTO products (sku, name, category) VALUES ('A', 'a', 'frames'), ('=B', 'b', 'lenses');
INSERT INTO vendors (vendor_code, name) VALUES ('V', 'v');
INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2024-04-15', 'published');
"""


def plan(sku: str, quantity: int, priority: float) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(PLAN_SCHEMA)
    known = {"as_of": DAY, "store_code": "S1", "sku": sku, "on_hand": 1, "on_order": 0, "suggested_qty": quantity}
    dates = {"order_by": DAY, "arrives_on": DAY + dt.timedelta(7), "covers_until": DAY + dt.timedelta(14)}
    levels = {"target_level": 1 + quantity, "transfer_in_qty": 0, "quantity_before_limits": quantity}
    figures = {"expected_demand": 0.00001, "demand_p50": 3.0, "demand_p90": 123456789.5, "priority": priority}
    return {**row, **known, **dates, **levels, **figures, "vendor_code": "V", "reason": "BELOW_TARGET", "receipt": "{}"}


def add(con, table: str, **given: object) -> None:
    """A row of a mart; what is not given and may not be null is filled with something of its type."""
    fill = {"VARCHAR": "x", "BOOLEAN": True, "DATE": DAY}
    needed = [column for column in contract(table).columns if not column.nullable]
    row = {column.name: fill.get(column.type, 0) for column in needed} | given
    con.execute(f"INSERT INTO lake.{table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])


def publish_lake(installation, rows: list[dict[str, object]]) -> int:
    """A published snapshot with a plan and a forecast, as a run would leave it."""
    con = connect(installation.databases, installation.settings)
    for agreed in (*contracts("marts"), *contracts("outputs")):
        create_table(con, agreed.name)
    add(con, "marts.dim_product", sku="A", name="a", category="frames")
    sold = {"booked_on": dt.date(2024, 4, 9), "store_code": "S1", "sku": "A"}
    add(con, "marts.fct_sales_lines", **sold, sold_qty=3, returned_qty=1, net_qty=2, net_amount=20)
    frame = pl.DataFrame(rows, schema=PLAN_SCHEMA)
    write_output(con, "plan", frame)
    week = {"as_of": DAY, "store_code": "S1", "sku": "A", "week_starting_on": DAY, "mean_qty": 1e-5, "method": "m"}
    quantiles = {f"p{level:02d}": level / 100 for level in range(5, 100, 5)}
    write_output(con, "forecast_weekly", pl.DataFrame([{**week, **quantiles}]))
    snapshot = current_snapshot(con)
    con.close()
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(MASTERS)
    engine = create_engine(installation.databases.operational)
    with engine.begin() as connection:
        passport = {"fingerprint": "f", "checks": {"passed": 9, "warnings": 0}, "metric_version": "m", "notes": ["n"]}
        moved = {"run_id": "r", "snapshot_id": snapshot, "as_of": DAY, "data_as_of": DAY, "moved_by": "test"}
        publication_id = publish(connection, **passport, **moved)
        write_suggestions(connection, frame.iter_rows(named=True), publication_id, DAY)
    engine.dispose()
    return snapshot


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_nothing_published_and_wrong_calls_are_said(installation, tmp_path):
    with pytest.raises(ExportRefused, match="Nothing is published"):
        export("suggestions", tmp_path / "s.csv")
    with pytest.raises(ExportRefused, match="suffix decides"):
        export("suggestions", tmp_path / "s.txt")
    with pytest.raises(ExportRefused, match="suggestions, forecasts, metrics"):
        export("sales", tmp_path / "s.csv")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.slow
def test_exports_say_what_is_published(installation, tmp_path):
    snapshot = publish_lake(installation, [plan("A", 5, 12.5), plan("=B", 0, 0.0)])

    manifest = export("suggestions", tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().splitlines()[0] == SUGGESTION_COLUMNS
    (row,) = read(tmp_path / "s.csv")
    assert (row["state"], row["kind"], row["sku"], row["suggested_qty"]) == ("proposed", "purchase", "A", "5")
    assert (row["demand_p90"], row["expected_demand"]) == ("123456789.5", "0.00001")
    assert (manifest.rows, manifest.snapshot_id, manifest.as_of) == (1, snapshot, DAY)
    beside = json.loads((tmp_path / "s.csv.manifest.json").read_text())
    assert beside["sha256"] == hashlib.sha256((tmp_path / "s.csv").read_bytes()).hexdigest()
    assert (beside["checks"], beside["metric_version"], beside["data_as_of"]) == (manifest.checks, "m", "2024-04-15")

    with psycopg.connect(installation.databases.operational) as connection:
        said = "SELECT username, after ->> 'sha256' FROM audit_log WHERE kind = 'data.exported'"
        assert connection.execute(said).fetchall() == [("the operator", beside["sha256"])]

    export("suggestions", tmp_path / "all.csv", include_all=True)
    idle = read(tmp_path / "all.csv")[1]
    assert (idle["sku"], idle["suggested_qty"], idle["suggestion_id"], idle["state"]) == ("'=B", "0", "", "")

    export("suggestions", tmp_path / "all.parquet", include_all=True)
    assert pl.read_parquet(tmp_path / "all.parquet")["sku"].to_list() == ["A", "=B"]

    export("suggestions", tmp_path / "all.xlsx", include_all=True)
    sheet = openpyxl.load_workbook(tmp_path / "all.xlsx").active
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref or sheet.tables
    assert (sheet["F3"].value, sheet["F3"].data_type) == ("=B", "s")
    assert sheet["K2"].value == 5

    export("forecasts", tmp_path / "f.csv", as_of=DAY)
    assert (tmp_path / "f.csv").read_text().splitlines()[0] == FORECAST_COLUMNS
    assert read(tmp_path / "f.csv")[0]["mean_qty"] == "0.00001"

    export("metrics", tmp_path / "m.csv")
    units = [row for row in read(tmp_path / "m.csv") if row["metric"] == "units_sold"]
    assert [(row["week_starting_on"], row["store_code"], row["value"]) for row in units] == [("2024-04-08", "S1", "3")]

    with pytest.raises(ExportRefused, match="Published are: 2024-04-15"):
        export("forecasts", tmp_path / "f.csv", as_of=DAY + dt.timedelta(1))
    with pytest.raises(ExportRefused, match=r"nowhere.*cannot be written"):
        export("forecasts", tmp_path / "nowhere" / "f.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_no_rows_is_a_file_with_its_header(installation, tmp_path):
    publish_lake(installation, [])
    for suffix in ("csv", "xlsx", "parquet"):
        assert export("suggestions", tmp_path / f"s.{suffix}", include_all=True).rows == 0
    assert (tmp_path / "s.csv").read_text() == SUGGESTION_COLUMNS + "\n"
    assert pl.read_parquet(tmp_path / "s.parquet").columns == SUGGESTION_COLUMNS.split(",")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    out = tmp_path / "s.xlsx"
    out.write_text("before")
    with pytest.raises(ValueError, match="do not fit"):
        write_file(pl.DataFrame({"a": range(1_048_576)}), out, None)
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]
