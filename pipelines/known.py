"""What the chain knows ahead of its weeks, read from the marts for the models: festivals, prices, closings, successors.

Reads the lake at whatever snapshot the connection stands at. What any of it does to demand is the models' to learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.features.known import Known

if TYPE_CHECKING:
    import duckdb

# what Known holds -> the question; each is answered in a fixed order, so that equal data give equal numbers
QUESTIONS = {
    "festivals": "SELECT DISTINCT festival, day_on FROM lake.marts.dim_festival",
    "prices": "SELECT store_code, sku, valid_from_on, valid_to_on, CAST(unit_price AS DOUBLE) AS unit_price "
    "FROM lake.marts.dim_price",
    "stores": "SELECT store_code, closed_on FROM lake.marts.dim_store WHERE closed_on IS NOT NULL",
    "predecessors": "SELECT sku, predecessor FROM lake.marts.dim_successor",
    "renewals": """
        SELECT
            l.store_code,
            l.sku,
            l.booked_on AS ordered_on,
            CAST(floor(sum(l.sold_qty) * any_value(p.lenses_per_box * m.lasts_days) / 2.0) AS INTEGER) AS supply_days,
            CAST(l.booked_on + supply_days AS DATE) AS runs_out_on,
            CAST(sum(l.sold_qty) AS DOUBLE) AS boxes
        FROM lake.marts.fct_sales_lines AS l
        JOIN lake.marts.dim_product AS p USING (sku)
        JOIN (
            VALUES ('DAILY', 1), ('FORTNIGHTLY', 14), ('MONTHLY', 30), ('QUARTERLY', 90), ('YEARLY', 365)
        ) AS m (modality, lasts_days) USING (modality)
        WHERE l.kind = 'sale' AND (l.patient_id IS NOT NULL OR l.customer_id IS NOT NULL)
        GROUP BY l.store_code, l.sku, l.booked_on, coalesce('patient ' || l.patient_id, 'customer ' || l.customer_id)
    """,
    "powers": """
        WITH cells AS (
            SELECT
                sku,
                coalesce(subcategory, brand, category) AS lens_line,
                TRY_CAST(json_extract_string(attributes, '$.sph') AS DOUBLE) AS sph,
                coalesce(TRY_CAST(json_extract_string(attributes, '$.cyl') AS DOUBLE), 0) AS cyl
            FROM lake.marts.dim_product
            WHERE attributes IS NOT NULL AND json_valid(attributes)
        ),
        eyes AS (
            SELECT lens_line, sph, cyl, avg(CAST(eyes_share AS DOUBLE)) AS eyes_share
            FROM lake.marts.fct_power_grid
            GROUP BY ALL
        )
        SELECT c.*, e.eyes_share FROM cells AS c LEFT JOIN eyes AS e USING (lens_line, sph, cyl) WHERE c.sph IS NOT NULL
    """,
}


def read_known(con: duckdb.DuckDBPyConnection) -> Known:
    """Everything that is known ahead; empty frames where the chain tells nothing."""
    return Known(**{name: con.execute(f"{question} ORDER BY ALL").pl() for name, question in QUESTIONS.items()})
