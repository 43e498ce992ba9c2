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
from models.features.known import NOTHING, Known
from pipelines.frames import INPUTS
from warehouse.transformations import tables

SUFFIXES = (".parquet", ".csv")
# what the two marts read: column of the staging table -> column of the folder's file, and its type
STAGING: dict[str, dict[str, tuple[str, str]]] = {
    "products": {
        **{name: (name, "VARCHAR") for name in ("sku", "category", "subcategory", "brand")},
        **{name: (name, "DATE") for name in ("launched_on", "discontinued_on")},
        **{name: (name, "DOUBLE") for name in ("unit_price", "unit_cost")},
        **{name: (name, "VARCHAR") for name in ("style_code", "attributes")},
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
    **{
        name: {
            "sold_on": ("sold_on", "DATE"),
            **{column: (column, "VARCHAR") for column in ("store_code", "sku", "order_ref")},
            "sold_qty": ("quantity", "INTEGER"),
        }
        for name in ("sales", "sales_order_lines")
    },
    "sales_orders": {name: (name, "VARCHAR") for name in ("store_code", "order_ref", "status", "customer_code")},
    "price_history": {
        **{name: (name, "VARCHAR") for name in ("store_code", "sku")},
        "valid_from_on": ("valid_from_on", "DATE"),
        "valid_to_on": ("valid_to_on", "DATE"),
        **{name: (name, "DOUBLE") for name in ("unit_price", "mrp")},
    },
    "product_contact_lenses": {
        **{name: (name, "VARCHAR") for name in ("sku", "modality")},
        "lenses_per_box": ("lenses_per_box", "INTEGER"),
    },
    "prescriptions": {
        **{name: (name, "VARCHAR") for name in ("prescription_number", "kind")},
        "prescribed_on": ("prescribed_on", "DATE"),
    },
    "prescription_eyes": {
        "prescription_number": ("prescription_number", "VARCHAR"),
        **{name: (name, "DOUBLE") for name in ("sph", "cyl")},
        "near_addition": ("add", "DOUBLE"),
    },
}
NEEDED = ("products", "stores")
MARTS = (
    "marts.dim_assortment",
    "marts.fct_demand_weekly",
    "marts.dim_festival",
    "marts.dim_price",
    "marts.dim_successor",
)
# what is known ahead, as pipelines/known.py asks the marts that are not built here for it
KNOWN = {
    "festivals": "FROM marts.dim_festival",
    "prices": "SELECT store_code, sku, valid_from_on, valid_to_on, unit_price FROM marts.dim_price",
    "stores": "SELECT store_code, closed_on FROM staging.stores WHERE closed_on IS NOT NULL",
    "predecessors": "SELECT sku, predecessor FROM marts.dim_successor",
    "renewals": """
        SELECT
            l.store_code,
            l.sku,
            l.sold_on AS ordered_on,
            CAST(floor(sum(l.sold_qty) * any_value(p.lenses_per_box * m.lasts_days) / 2.0) AS INTEGER) AS supply_days,
            l.sold_on + supply_days AS runs_out_on,
            CAST(sum(l.sold_qty) AS DOUBLE) AS boxes
        FROM staging.sales_order_lines AS l
        JOIN staging.sales_orders AS o USING (store_code, order_ref)
        JOIN staging.product_contact_lenses AS p USING (sku)
        JOIN (
            VALUES ('DAILY', 1), ('FORTNIGHTLY', 14), ('MONTHLY', 30), ('QUARTERLY', 90), ('YEARLY', 365)
        ) AS m (modality, lasts_days) USING (modality)
        WHERE l.sold_qty > 0 AND o.status NOT IN ('draft', 'cancelled') AND o.customer_code IS NOT NULL
        GROUP BY l.store_code, l.sku, l.sold_on, o.customer_code
    """,
    "powers": """
        WITH cells AS (
            SELECT
                sku,
                coalesce(subcategory, brand, category) AS lens_line,
                TRY_CAST(json_extract_string(attributes, '$.sph') AS DOUBLE) AS sph,
                coalesce(TRY_CAST(json_extract_string(attributes, '$.cyl') AS DOUBLE), 0) AS cyl
            FROM staging.products
            WHERE attributes IS NOT NULL AND json_valid(attributes)
        ),
        eyes AS (
            SELECT e.sph, coalesce(e.cyl, 0) AS cyl, count(*) / sum(count(*)) OVER () AS eyes_share
            FROM staging.prescription_eyes AS e
            JOIN staging.prescriptions AS p USING (prescription_number)
            WHERE p.kind = 'spectacle' AND e.sph IS NOT NULL AND e.near_addition IS NULL
            GROUP BY e.sph, coalesce(e.cyl, 0)
        )
        SELECT c.*, e.eyes_share FROM cells AS c LEFT JOIN eyes AS e USING (sph, cyl) WHERE c.sph IS NOT NULL
    """,
}


@dataclass(frozen=True)
class Chain:
    """A chain's name, the day it looks out from, and the frames that models/ is promised."""

    name: str
    as_of: date
    demand: pl.DataFrame
    catalog: pl.DataFrame
    known: Known = NOTHING


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
            "CREATE TABLE staging.chain AS SELECT ?::DATE AS as_of, ? AS sales_grain, ? AS timezone",
            [as_of, told["sales_grain"], told.get("timezone", "UTC")],
        )
        con.execute("CREATE TABLE staging.chain_settings (key VARCHAR, value VARCHAR)")
        con.execute("CREATE TABLE checks.blocked_days (store_code VARCHAR, day_on DATE)")
        con.execute(
            "CREATE TABLE marts.fct_stock_daily "
            "(store_code VARCHAR, sku VARCHAR, from_on DATE, to_on DATE, on_hand_qty BIGINT)"
        )
        for name, columns in STAGING.items():
            table = "stock_statements" if name == "stock" else name
            con.execute(f"CREATE TABLE staging.{table} AS {_select(con, folder, name, columns)}")
        con.execute(
            """INSERT INTO staging.sales
            SELECT l.* FROM staging.sales_order_lines AS l
            JOIN staging.sales_orders AS o USING (store_code, order_ref)
            WHERE o.status NOT IN ('draft', 'cancelled')"""
        )
        con.execute(
            "CREATE TABLE marts.fct_sales_daily AS SELECT sold_on, store_code, sku, sum(sold_qty)::BIGINT AS sold_qty "
            "FROM staging.sales WHERE sold_on < ? AND sold_qty > 0 GROUP BY ALL",
            [as_of],
        )
        queries = {each.full_name: each.sql for each in tables()}
        if not con.execute("SELECT 1 FROM staging.sales LIMIT 1").fetchone():
            raise WrongInput(f"{folder} tells no sales: it needs sales.csv, or sales_orders and sales_order_lines.")
        for mart in MARTS:
            con.execute(f"CREATE TABLE {mart} AS {queries[mart]}")
        frames = {
            name: con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").pl()
            for name, (table, columns) in INPUTS.items()
            if name in ("demand", "catalog")
        }
        known = Known(**{name: con.execute(f"{question} ORDER BY ALL").pl() for name, question in KNOWN.items()})
    return Chain(str(told.get("name", folder.name)), as_of, frames["demand"], frames["catalog"], known)


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
