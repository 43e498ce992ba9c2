"""The sales that `ims bench warehouse` measures with, and how they are corrected between its runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import psycopg

from ims.bench.installation import Installation
from ims.bench.world import SMALL, Progress, build

STORES, DAYS, MOST_PRODUCTS = 40, 1_095, 2_000
# three years; as many pairs sell on each day as make the table as large as is asked for
TOTALS = """
INSERT INTO daily_sales (store_id, product_id, sold_on, sold_qty, returned_qty, net_amount)
SELECT s.store_id, p.product_id, c.as_of - 1 - d, 1 + (p.product_id + d) %% 3, 0, 100 + (p.product_id * 7 + d) %% 900
  FROM chain AS c, generate_series(0, %(days)s - 1) AS d, stores AS s, products AS p
 WHERE (p.product_id * 31 + s.store_id * 17 + d) * %(each)s %% %(pairs)s < %(each)s
 LIMIT %(rows)s
"""
# a correction of the amount, as the checks of each table allow it
CORRECT = {
    "daily_sales": "UPDATE daily_sales SET net_amount = net_amount + 1 WHERE {which}",
    "sales_order_lines": """
UPDATE sales_order_lines
   SET discount_amount = discount_amount + 1, net_amount = net_amount - 1,
       tax_amount = round((net_amount - 1) * tax_rate, 2),
       line_total = net_amount - 1 + round((net_amount - 1) * tax_rate, 2)
 WHERE quantity > 0 AND discount_amount IS NOT NULL AND {which}
""",
}
# every hundredth row lies in every month: the hard case; a night's corrections lie close together
WHICH = {
    "incremental": "{table_id} % 100 = 7",
    "one day": "sold_on = (SELECT max(sold_on) - 1 FROM {table})",
}
KEYS = {"daily_sales": "daily_sales_id", "sales_order_lines": "sales_order_line_id"}


def furnish(installation: Installation, rows: int, folder: Path | None, progress: Progress) -> str:
    """Fill PostgreSQL; the name of the largest table of sales."""
    url = installation.databases.operational
    if folder is not None:
        from api.imports.folder import import_folder
        from api.imports.report import InvalidFolder
        from ims.failure import WrongInput

        progress("import", 0, None)
        try:
            import_folder(folder, url)
        except InvalidFolder as invalid:
            raise WrongInput(str(invalid)) from None
        with psycopg.connect(url) as connection:
            counts = {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
                for name in ("daily_sales", "sales_order_lines")
            }
            connection.commit()
            connection.autocommit = True
            progress("vacuum", 0, None)
            connection.execute("VACUUM (ANALYZE)")  # else the server does so by itself while it is measured
        return max(counts, key=lambda name: int(counts[name]))
    today = dt.datetime.now(dt.UTC).date()
    products = min(max(rows // 10_000, 100), MOST_PRODUCTS)
    build(url, replace(SMALL, stores=STORES, products=products, days=DAYS), progress, today)
    progress("daily totals", 0, None)
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE chain SET as_of = %s", [today])
        pairs = STORES * products
        each = min(rows * 101 // (100 * DAYS) + 1, pairs)
        connection.execute(TOTALS, {"rows": rows, "days": DAYS, "each": each, "pairs": pairs})
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE) daily_sales")
    return "daily_sales"


def correct(url: str, table: str, which: str) -> int:
    """Correct the amounts of the rows that one of WHICH says; how many."""
    rows = which.format(table=table, table_id=KEYS[table])
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = origin")
        return connection.execute(CORRECT[table].format(which=rows).encode()).rowcount
