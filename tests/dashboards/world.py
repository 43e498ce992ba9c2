"""A small published world for the views: stores, products and a year of demand in the lake, suggestions in PostgreSQL.

Forecast means are given, not learned; orders and receipts come from the real policy.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
import psycopg
from scipy import stats

from api.database import create_engine
from api.publications import publish
from api.schema.planning import Run
from api.suggestions import write_suggestions
from models.forecast.engine import Forecast
from models.forecast.totals import total_forecasts
from models.policy.plan import plan_orders
from warehouse.contracts import contract, contracts
from warehouse.lake import connect, current_snapshot

AS_OF = dt.date(2026, 11, 23)
WEEKS = 60
RAW = ("raw.stores", "raw.import_quarantine")  # what views read of schema raw
WARNING = {"table": "marts.fct_sales_daily", "check": "c", "observed": 1, "what_to_do": "Look at the store-day."}
STORES = [("S01", "Indiranagar", "Bengaluru"), ("S02", "Koregaon Park", "Pune"), ("S03", "Salt Lake", "Kolkata")]
PRODUCTS = [
    ("FR-1001", "Aster round, black", "Frames", 2490.0, 980.0, 2.2),
    ("FR-1002", "Aster round, tortoise", "Frames", 2490.0, 980.0, 1.4),
    ("FR-1003", "Banyan square, navy", "Frames", 3290.0, 1350.0, 1.1),
    ("FR-1004", "Cedar half rim, gunmetal", "Frames", 4150.0, 1800.0, 0.6),
    ("SG-2001", "Deccan aviator, green", "Sunglasses", 3790.0, 1700.0, 1.3),
    ("SG-2002", "Deccan wayfarer, brown", "Sunglasses", 3490.0, 1600.0, 0.9),
    ("CL-3001", "Clara monthly -2.00 (6)", "Contact lenses", 1150.0, 820.0, 5.5),
    ("CL-3002", "Clara monthly -3.25 (6)", "Contact lenses", 1150.0, 820.0, 3.2),
    ("CL-3003", "Clara daily -1.50 (30)", "Contact lenses", 1390.0, 990.0, 4.1),
    ("SO-4001", "Solution 360 ml", "Solutions", 420.0, 300.0, 7.5),
    ("AC-5001", "Hard case, black", "Accessories", 240.0, 90.0, 4.2),
    ("AC-5002", "Cleaning cloth", "Accessories", 90.0, 22.0, 9.4),
]


@dataclass(frozen=True)
class World:
    """What was published, and where."""

    installation: object
    publication_id: int
    snapshot_id: int

    def frames(self) -> dict[str, pl.DataFrame]:
        """What was published first."""
        return build_frames()

    def publish_again(self, seed: int) -> int:
        """Publish other figures; their snapshot id."""
        return publish_world(self.installation.databases, self.installation.settings, seed=seed)[1]


def build_frames(seed: int = 7) -> dict[str, pl.DataFrame]:
    """The contract's frames of the world, with stock-outs, an item without stock ahead and one nobody supplies."""
    random = np.random.default_rng(seed)
    monday = AS_OF - dt.timedelta(days=AS_OF.weekday())
    mondays = [monday - dt.timedelta(weeks=WEEKS - week) for week in range(WEEKS)]
    demand, catalog, position, arrivals, terms, weekly, sales = [], [], [], [], [], [], []
    for s, (store, _, city) in enumerate(STORES):
        for p, (sku, _, category, price, cost, rate) in enumerate(PRODUCTS):
            level = rate * (1.35, 1.0, 0.7)[s] * seed / 7
            season = 1 + 0.25 * np.sin(2 * np.pi * (np.arange(WEEKS + 16) + 8 * (category == "Sunglasses")) / 52)
            means = level * season
            sold = random.poisson(means[:WEEKS] * random.gamma(4, 1 / 4, WEEKS))
            shares = np.ones(WEEKS)
            for gap in random.choice(WEEKS, 3, replace=False):
                shares[gap] = random.choice([0.0, 3 / 7, 5 / 7])
            sold = np.round(sold * shares).astype(int)
            demand += [
                (store, sku, day, float(qty), share, True)
                for day, qty, share in zip(mondays, sold, shares, strict=True)
            ]
            for day, qty in zip(mondays, sold, strict=True):
                for offset in random.integers(0, 7, qty):
                    sales.append((day + dt.timedelta(days=int(offset)), store, sku, 1, 0, price, cost))
            catalog.append((store, sku, category, None, None, None, city, None, None, price, cost, True))
            cover = (0.4, 1.2, 2.0, 6.0)[(s + p) % 4]
            on_order = int(level * 2) if (s + 2 * p) % 5 == 0 else 0
            position.append((store, sku, int(level * cover), on_order))
            if on_order:
                arrivals.append((store, sku, AS_OF + dt.timedelta(days=4), on_order))
            if sku != "AC-5002":
                pack = {"Solutions": 6, "Accessories": 10}.get(category, 1)
                terms.append((store, sku, "V-01", 10 + 3 * (p % 3), 7, 2.0, pack, pack, cost, None, None, None, None))
            weekly.append((means[WEEKS:], 0.25))
    day, text, number = pl.Date, pl.String, pl.Float64
    return {
        "demand": pl.DataFrame(
            demand,
            {
                "store_code": text,
                "sku": text,
                "week_starting_on": day,
                "demand_qty": number,
                "in_stock_share": number,
                "is_complete": pl.Boolean,
            },
            orient="row",
        ),
        "catalog": pl.DataFrame(
            catalog,
            dict.fromkeys(["store_code", "sku", "category", "subcategory", "brand", "cluster", "region"], text)
            | {"launched_on": day, "discontinued_on": day, "unit_price": number, "unit_cost": number}
            | {"is_in_assortment": pl.Boolean},
            orient="row",
        ),
        "position": pl.DataFrame(
            position,
            {"store_code": text, "sku": text, "on_hand_qty": pl.Int64, "on_order_qty": pl.Int64},
            orient="row",
        ),
        "arrivals": pl.DataFrame(
            arrivals, {"store_code": text, "sku": text, "expected_on": day, "quantity": pl.Int64}, orient="row"
        ),
        "terms": pl.DataFrame(
            terms,
            {"store_code": text, "sku": text, "vendor_code": text, "lead_time_days": pl.Int64}
            | {"review_period_days": pl.Int64, "lead_time_sd_days": number, "moq": pl.Int64, "pack_size": pl.Int64}
            | dict.fromkeys(["unit_cost", "holding_cost_per_unit_week", "shortage_cost_per_unit"], number)
            | {"service_level": number, "display_min": pl.Int64},
            orient="row",
        ),
        "sales": pl.DataFrame(
            sales,
            {"sold_on": day, "store_code": text, "sku": text, "sold_qty": pl.Int64, "returned_qty": pl.Int64}
            | {"net_amount": number, "cost_amount": number},
            orient="row",
        ),
        **_forecast_frame(weekly, monday),
    }


def _forecast_frame(weekly, monday):
    pairs = [(store, sku) for store, *_ in STORES for sku, *_ in PRODUCTS]
    levels = [f"p{level:02d}" for level in range(5, 100, 5)]
    rows = []
    for (store, sku), (means, variance) in zip(pairs, weekly, strict=True):
        for step, mean in enumerate(means):
            size = 1 / variance
            quantiles = stats.nbinom.ppf(np.arange(5, 100, 5) / 100, size, size / (size + mean))
            rows.append((AS_OF, store, sku, monday + dt.timedelta(weeks=step), mean, *map(float, quantiles), "blend"))
    schema = {"as_of": pl.Date, "store_code": pl.String, "sku": pl.String, "week_starting_on": pl.Date}
    schema |= {"mean_qty": pl.Float64} | dict.fromkeys(levels, pl.Float64) | {"method": pl.String}
    mean = np.array([means for means, _ in weekly])
    variance = np.array([variance for _, variance in weekly])
    forecast = Forecast(
        origin=monday,
        series=pl.DataFrame(pairs, {"store_code": pl.String, "sku": pl.String}, orient="row"),
        mean=mean,
        shared=variance * 0.5,
        inner=variance * 0.5,
        size=None,
        method=np.array(["blend"] * len(pairs)),
    )
    weekly = pl.DataFrame(rows, schema, orient="row")
    kinds = pl.DataFrame([product[:3] for product in PRODUCTS], ["sku", "name", "category"], orient="row")
    catalog = forecast.series.join(kinds, on="sku")
    totals = total_forecasts(forecast, weekly, catalog, AS_OF)
    return {"forecast_weekly": weekly, "forecast_totals": totals, "forecast": forecast}


@lru_cache(maxsize=4)
def plan_world(seed: int, with_stock: bool) -> dict[str, pl.DataFrame]:
    """The frames with the plan the policy makes of them; the same for every test that asks."""
    frames = build_frames(seed)
    if not with_stock:
        frames["position"] = frames["position"].clear()
    inputs = [frames[name] for name in ("demand", "catalog", "position", "arrivals", "terms")]
    return {**frames, "plan": plan_orders(*inputs, AS_OF, "lost", frames["forecast"], n_paths=200)}


def publish_world(databases, settings, *, seed: int = 7, with_stock: bool = True) -> tuple[int, int]:
    """Fill both databases and publish; (publication_id, snapshot_id)."""
    frames = dict(plan_world(seed, with_stock))
    plan = frames["plan"]
    snapshot = _fill_lake(databases, settings, frames)
    with psycopg.connect(databases.operational) as connection:
        _fill_masters(connection)
    engine = create_engine(databases.operational)
    try:
        with engine.begin() as connection:
            run_id = f"run-{snapshot}"
            connection.execute(Run.__table__.insert().values(run_id=run_id, as_of=AS_OF, state="published"))
            publication = publish(
                connection,
                run_id=run_id,
                snapshot_id=snapshot,
                as_of=AS_OF,
                data_as_of=AS_OF,
                fingerprint=f"f{snapshot}",
                checks={"passed": 41, "warnings": 1, "failed": [WARNING]},
                metric_version="1",
                notes=[] if with_stock else ["No stock is known, so no order can be suggested."],
                moved_by="test",
            )
            write_suggestions(connection, plan.iter_rows(named=True), publication, AS_OF)
    finally:
        engine.dispose()
    return publication, snapshot


def _fill_lake(databases, settings, frames):
    con = connect(databases, settings)
    names = {
        "marts.fct_demand_weekly": "demand",
        "marts.dim_assortment": "catalog",
        "marts.fct_inventory_position": "position",
        "marts.fct_arrivals": "arrivals",
        "marts.dim_supply_terms": "terms",
        "outputs.forecast_weekly": "forecast_weekly",
        "outputs.forecast_totals": "forecast_totals",
        "outputs.plan": "plan",
    }
    for table, name in names.items():
        frame = frames[name]  # noqa: F841  (DuckDB reads the variable by its name)
        con.execute(f"CREATE OR REPLACE TABLE lake.{table} AS SELECT * FROM frame")
    stores = pl.DataFrame(STORES, ["store_code", "name", "city"], orient="row")  # noqa: F841  (as above)
    con.execute(
        "CREATE OR REPLACE TABLE lake.marts.dim_store AS "
        "SELECT *, 'store' AS kind, NULL::VARCHAR AS region, NULL::VARCHAR AS cluster FROM stores"
    )
    names = ["sku", "name", "category", "unit_price", "unit_cost"]
    products = pl.DataFrame([product[:5] for product in PRODUCTS], names, orient="row")  # noqa: F841  (as above)
    con.execute(
        "CREATE OR REPLACE TABLE lake.marts.dim_product AS "
        "SELECT *, NULL::VARCHAR AS subcategory, NULL::VARCHAR AS brand FROM products"
    )
    sales = frames["sales"]  # noqa: F841  (as above)
    con.execute(
        "CREATE OR REPLACE TABLE lake.marts.fct_sales_daily AS SELECT sold_on, store_code, sku, "
        "sum(sold_qty)::BIGINT sold_qty, sum(returned_qty)::BIGINT returned_qty, sum(sold_qty - returned_qty)::BIGINT "
        "net_qty, sum(net_amount)::DECIMAL(18, 2) net_amount, sum(cost_amount)::DECIMAL(18, 2) cost_amount "
        "FROM sales GROUP BY ALL"
    )
    con.execute(
        "CREATE OR REPLACE TABLE lake.marts.fct_sales_lines AS SELECT sold_on AS booked_on, sold_on AS delivered_on, "
        "store_code, sku, 'total' AS kind, sold_qty, returned_qty, net_qty, net_amount, cost_amount, "
        "false AS is_cost_estimated FROM lake.marts.fct_sales_daily"
    )
    con.execute("BEGIN")  # one commit for all: each costs the catalog more than its table
    for agreed in (*contracts("marts"), *contracts("outputs"), *contracts("checks"), *map(contract, RAW)):
        _complete(con, agreed)
    con.execute("COMMIT")
    snapshot = current_snapshot(con)
    con.close()
    return snapshot


# what stands in columns that no view of these tests looks at
STAND_INS = {"VARCHAR": "'x'", "DATE": f"DATE '{AS_OF - dt.timedelta(days=7)}'", "BOOLEAN": "true", "INTEGER": "1"}


def _complete(con, agreed):
    """The columns of the contract that the table lacks; of a table that nobody filled, a row for each store."""
    known = [row[0] for row in con.execute(FIND_COLUMNS, [agreed.schema, agreed.table]).fetchall()]
    if agreed.table == "dim_date":
        begins = f"DATE '{AS_OF}' - 800 + i::INTEGER"
        source, given = "range(1200) AS days(i)", {"day_on": begins, "is_past": f"{begins} < DATE '{AS_OF}'"}
        given["aligned_on"] = f"{begins} - 364"
    elif known:
        source, given = f"lake.{agreed.name}", {name: name for name in known}
    else:
        source = "lake.marts.dim_store, (SELECT min(sku) AS sku FROM lake.marts.dim_product)"
        given = {"store_code": "store_code", "sku": "sku"}
    given["row"] = "'{}'"  # JSON
    values = {c.name: STAND_INS.get(c.type, "1" if _is_number(c.type) else "NULL") for c in agreed.columns} | given
    columns = ", ".join(f"CAST({values[c.name]} AS {c.type}) AS {c.name}" for c in agreed.columns)
    con.execute(f"CREATE OR REPLACE TABLE lake.{agreed.name} AS SELECT {columns} FROM {source}")


FIND_COLUMNS = """SELECT column_name FROM duckdb_columns()
    WHERE database_name = 'lake' AND schema_name = ? AND table_name = ?"""


def _is_number(kind):
    return kind.startswith(("DECIMAL", "DOUBLE", "BIGINT", "HUGEINT", "FLOAT"))


def _fill_masters(connection):
    connection.execute(
        "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand) "
        "VALUES ('Drishti Opticals', 'INR', 'Asia/Kolkata', %s, 'day', 'lost') ON CONFLICT DO NOTHING",
        (AS_OF,),
    )
    for code, name, city in STORES:
        connection.execute(
            "INSERT INTO stores (store_code, name, city) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (code, name, city)
        )
    for sku, name, category, price, cost, _ in PRODUCTS:
        connection.execute(
            "INSERT INTO products (sku, name, category, unit_price, unit_cost) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (sku, name, category, price, cost),
        )
    connection.execute("INSERT INTO vendors (vendor_code, name) VALUES ('V-01', 'Optics Trade') ON CONFLICT DO NOTHING")
