"""`ims export`: what is published as a file for people and programs, with a manifest beside it.

Reads the published snapshot and the suggestions; how a file is written is in files.py.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg

from api.publications import Published, current_publication, history, publication_of
from api.services.audit import Event, record_now
from api.suggestions import list_suggestions
from ims.failure import WrongInput
from ims.settings import get_settings
from pipelines.files import Manifest, check_suffix, describe_file, write_file

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases
    from ims.settings import Settings

SUGGESTION_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "suggestion_id": pl.Int64,
        "state": pl.String,
        "kind": pl.String,
        "store_code": pl.String,
        "sku": pl.String,
        "vendor_code": pl.String,
        "source_store_code": pl.String,
        "on_hand": pl.Int64,
        "on_order": pl.Int64,
        "suggested_qty": pl.Int64,
        "order_by": pl.Date,
        "arrives_on": pl.Date,
        "covers_until": pl.Date,
        "expected_demand": pl.Float64,
        "demand_p50": pl.Float64,
        "demand_p90": pl.Float64,
        "reason": pl.String,
        "priority": pl.Float64,
    }
)
FORECAST_COLUMNS = ["as_of", "store_code", "sku", "week_starting_on", "mean_qty"]
FORECAST_COLUMNS += [f"p{level:02d}" for level in range(5, 100, 5)]
METRIC_SCHEMA = pl.Schema(
    {
        "as_of": pl.Date,
        "metric": pl.String,
        "unit": pl.String,
        "week_starting_on": pl.Date,
        "store_code": pl.String,
        "category": pl.String,
        "value": pl.Float64,
    }
)


class ExportRefused(WrongInput):
    """The export cannot be made as asked; the message is one paragraph for a person."""


def export(
    kind: str,
    out: Path,
    as_of: dt.date | None = None,
    include_all: bool = False,
    settings: Settings | None = None,
) -> Manifest:
    """Write `out` (.csv, .xlsx or .parquet) and `out`.manifest.json, each whole or not at all.

    `as_of` names the newest publication of that day, else what is served is written. `include_all` adds the planned
    pairs with nothing to order. Raises ExportRefused.
    """
    from api.database import open_databases
    from warehouse.lake import connect

    makers = {"suggestions": _suggestions, "forecasts": _forecasts, "metrics": _metrics}
    if kind not in makers:
        raise ExportRefused(f"There is no export {kind!r}; there are {', '.join(makers)}.")
    try:
        check_suffix(out)
    except ValueError as error:
        raise ExportRefused(str(error)) from None
    chosen = settings or get_settings()
    databases = open_databases(chosen)
    published = _publication(databases, as_of)
    con = connect(databases, chosen, snapshot=published.snapshot_id, read_only=True)
    try:
        frame = makers[kind](con, databases, published, include_all)
    finally:
        con.close()
    manifest = _manifest(kind, out, frame, published, as_of, include_all)
    try:
        whole = write_file(frame, out, manifest)
    except (OSError, ValueError) as error:
        raise ExportRefused(f"{out} cannot be written: {error}. Choose another place with --out.") from error
    _record(databases, whole)
    return whole


def _suggestions(
    con: duckdb.DuckDBPyConnection, databases: Databases, published: Published, include_all: bool
) -> pl.DataFrame:
    rows = list_suggestions(databases.operational, stores=None, publication_id=published.publication_id)
    stored = pl.DataFrame(
        [{name: _plain(row[name]) for name in SUGGESTION_SCHEMA} for row in rows], schema=SUGGESTION_SCHEMA
    )
    if not include_all:
        return stored
    columns = [
        name for name in SUGGESTION_SCHEMA if name not in ("suggestion_id", "state", "kind", "source_store_code")
    ]
    planned = con.execute(f"SELECT {', '.join(columns)} FROM lake.outputs.plan").pl()
    pair = ["store_code", "sku"]
    idle = planned.join(stored.filter(pl.col("kind") == "purchase"), on=pair, how="anti").with_columns(
        pl.lit(None).alias("suggestion_id"),
        pl.lit("").alias("state"),
        pl.lit("purchase").alias("kind"),
        pl.lit(None).alias("source_store_code"),
    )
    whole = idle.select(*SUGGESTION_SCHEMA).cast(SUGGESTION_SCHEMA)
    return pl.concat([stored, whole.sort(pair)])


def _forecasts(
    con: duckdb.DuckDBPyConnection, databases: Databases, published: Published, include_all: bool
) -> pl.DataFrame:
    columns = ", ".join(FORECAST_COLUMNS)
    found = con.execute(
        f"SELECT {columns} FROM lake.outputs.forecast_weekly ORDER BY store_code, sku, week_starting_on"
    ).pl()
    return found.with_columns(pl.col(pl.Float64).round(6))  # a millionth of a unit, and half the file


def _metrics(
    con: duckdb.DuckDBPyConnection, databases: Databases, published: Published, include_all: bool
) -> pl.DataFrame:
    """Every metric by store, category and week as far as it can be split by them: one row per figure."""
    from warehouse.metrics import Scope, catalogue, query

    parts = [pl.DataFrame(schema=METRIC_SCHEMA)]
    for metric in catalogue().values():
        by = [name for name in ("week", "store", "category") if name in metric.splits]
        figures = query(con, [metric.name], by, scope=Scope(stores=None, can_see_cost=True))
        split = {name: pl.col(name) if name in by else pl.lit(None) for name in ("week", "store", "category")}
        parts.append(
            figures.select(
                pl.lit(published.as_of).alias("as_of"),
                pl.lit(metric.name).alias("metric"),
                pl.lit(metric.unit).alias("unit"),
                split["week"].alias("week_starting_on"),
                split["store"].alias("store_code"),
                split["category"].alias("category"),
                pl.col(metric.name).alias("value"),
            ).cast(METRIC_SCHEMA)
        )
    return pl.concat(parts)


def _publication(databases: Databases, as_of: dt.date | None) -> Published:
    if as_of is None:
        published = current_publication(databases.operational)
        if published is None:
            raise ExportRefused("Nothing is published yet, so there is nothing to export. `ims run` publishes.")
        return published
    found = publication_of(databases.operational, as_of)
    if found is None:
        known = ", ".join(dict.fromkeys(str(each.as_of) for each in history(databases.operational))) or "none yet"
        raise ExportRefused(f"No run as of {as_of} was published. Published are: {known}.")
    return found


def _record(databases: Databases, manifest: Manifest) -> None:
    """What left, in the audit trail: nobody is signed in at the command line."""
    after = {"kind": manifest.kind, "file": manifest.file, "rows": manifest.rows, "sha256": manifest.sha256}
    event = Event(
        kind="data.exported",
        entity_type="data_export",
        entity_id=manifest.sha256[:12],
        username="the operator",
        user_agent="ims export",
        after={**after, "snapshot_id": manifest.snapshot_id},
    )
    with psycopg.connect(databases.operational) as connection:
        record_now(connection, [event])


def _manifest(
    kind: str, out: Path, frame: pl.DataFrame, published: Published, as_of: dt.date | None, include_all: bool
) -> Manifest:
    filters = {"as_of": str(as_of) if as_of else None, "all": include_all}
    return describe_file(published, kind, out.name, frame.height, filters)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str | dt.date) else float(value)
