"""The demand and catalog frames of a chain folder, by the SQL that builds the marts, without PostgreSQL and a lake.

Reads the folder's files into an in-memory engine. Nothing is checked here: `ims import --dry-run` does that.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from ims.failure import WrongInput
from pipelines.frames import INPUTS
from warehouse.transformations import tables

SUFFIXES = (".parquet", ".csv")
# what the two marts read: column of the staging table -> column of the folder's file, and its type
STAGING: dict[str, dict[str, tuple[str, str]]] = {
    "products": {
        **{name: (name, "VARCHAR") for name in ("sku", "category", "subcategory", "brand")},
        **{name: (name, "DATE") for name in ("launched_on", "discontinued_on")},
        **{name: (name, "DOUBLE") for name in ("unit_price", "unit_cost")},
    },
    "stores": {
        **{name: (name, "VARCHAR") for name in ("store_code", "cluster", "region")},
        **{name: (name, "DATE") for name in ("opened_on", "closed_on")},
    },
    "assortment": {
        **{name: (name, "VARCHAR") for name in ("store_code", "sku")},
        "from_on": ("from_date", "DATE"),
        "to_on": ("to_date", "DATE"),
    },
    "availability": {
        **{name: (name, "VARCHAR") for name in ("store_code", "sku")},
        "from_on": ("from_date", "DATE"),
        "to_on": ("to_date", "DATE"),
        "is_in_stock": ("in_stock", "BOOLEAN"),
    },
    "stock": {
        **{name: (name, "VARCHAR") for name in ("store_code", "sku")},
        "as_of": ("as_of", "DATE"),
        "on_hand_qty": ("on_hand", "INTEGER"),
    },
    "sales": {
        "sold_on": ("sold_on", "DATE"),
        **{name: (name, "VARCHAR") for name in ("store_code", "sku")},
        "sold_qty": ("quantity", "INTEGER"),
    },
}
NEEDED = ("products", "stores", "sales")
MARTS = ("marts.dim_assortment", "marts.fct_demand_weekly")


@dataclass(frozen=True)
class Chain:
    """A chain's name, the day it looks out from, and the frames that models/ is promised."""

    name: str
    as_of: date
    demand: pl.DataFrame
    catalog: pl.DataFrame


def find_chain(chain: str, data: Path | None) -> Path:
    """The folder that `chain` names: a path, or a folder of `data`. Raises WrongInput."""
    for folder in (Path(chain), *([data / chain] if data else [])):
        if folder.is_dir():
            return folder
    where = f"{data} has" if data else "There is"
    raise WrongInput(f"{where} no chain folder {chain!r}: give its path, or --data with the folder of named chains.")


def read_chain(folder: Path) -> Chain:
    """The frames of a chain folder. Raises WrongInput when it lacks chain.toml, products, stores or sales."""
    if not (folder / "chain.toml").is_file():
        raise WrongInput(f"{folder} is no chain folder: it has no chain.toml (docs/import-format.md).")
    told = tomllib.loads((folder / "chain.toml").read_text())
    as_of = date.fromisoformat(str(told["as_of"]))
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA staging; CREATE SCHEMA marts; CREATE SCHEMA checks")
        con.execute(
            "CREATE TABLE staging.chain AS SELECT ?::DATE AS as_of, ? AS sales_grain", [as_of, told["sales_grain"]]
        )
        con.execute("CREATE TABLE checks.blocked_days (store_code VARCHAR, day_on DATE)")
        con.execute(
            "CREATE TABLE marts.fct_stock_daily "
            "(store_code VARCHAR, sku VARCHAR, from_on DATE, to_on DATE, on_hand_qty BIGINT)"
        )
        for name, columns in STAGING.items():
            table = "stock_statements" if name == "stock" else name
            con.execute(f"CREATE TABLE staging.{table} AS {_select(con, folder, name, columns)}")
        con.execute(
            "CREATE TABLE marts.fct_sales_daily AS SELECT sold_on, store_code, sku, sum(sold_qty)::BIGINT AS sold_qty "
            "FROM staging.sales WHERE sold_on < ? AND sold_qty > 0 GROUP BY ALL",
            [as_of],
        )
        queries = {each.full_name: each.sql for each in tables()}
        for mart in MARTS:
            con.execute(f"CREATE TABLE {mart} AS {queries[mart]}")
        frames = {
            name: con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").pl()
            for name, (table, columns) in INPUTS.items()
            if name in ("demand", "catalog")
        }
    return Chain(str(told.get("name", folder.name)), as_of, frames["demand"], frames["catalog"])


def _select(con: duckdb.DuckDBPyConnection, folder: Path, name: str, columns: dict[str, tuple[str, str]]) -> str:
    """SELECT of the columns from the folder's file; a column or file that is not there gives nulls, or no row."""
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
    if not found and name in NEEDED:
        raise WrongInput(f"{folder} has no {name}.csv and no {name}.parquet.")
    source, present = "(SELECT 1) WHERE false", set()
    if found:
        path = str(found[0]).replace("'", "''")
        source = f"'{path}'" if found[0].suffix == ".parquet" else f"read_csv('{path}', all_varchar = true)"
        present = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    values = [
        (f"nullif(CAST({origin} AS VARCHAR), '')" if origin in present else "NULL", kind, column)
        for column, (origin, kind) in columns.items()
    ]
    return f"SELECT {', '.join(f'CAST({value} AS {kind}) AS {column}' for value, kind, column in values)} FROM {source}"
