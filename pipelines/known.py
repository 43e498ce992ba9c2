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
