"""A partitioned table is read by its partitions, and holds what it holds by its own name."""

from __future__ import annotations

import psycopg

from pipelines.source import read_leaves, relation
from warehouse.contracts import contract
from warehouse.lake import attach_source, connect

MONTHS = "SELECT ims_make_partitions('sales_order_lines'::regclass, '2024-01-01', '2024-03-01')"
ORDERS = """
WITH made AS (
    INSERT INTO sales_orders (order_ref, store_id, ordered_on)
    SELECT 'o' || n, store_id, date '2024-01-10' + 30 * n
    FROM stores, generate_series(0, 3) AS n WHERE store_code = 'S1'
    RETURNING sales_order_id, ordered_on
)
INSERT INTO sales_order_lines (sales_order_id, ordered_on, line_ref, product_id, sold_on, quantity, net_amount)
SELECT sales_order_id, ordered_on, sku, product_id, ordered_on, 1, 5 FROM made, products
"""


def test_a_large_partitioned_table_is_read_by_its_partitions(installation, load):
    load(installation.databases.operational)
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(MONTHS)
        connection.execute(ORDERS)
    con = connect(installation.databases, installation.settings)
    attach_source(con, installation.databases.operational)
    lines, products = contract("raw.sales_order_lines"), contract("raw.products")
    leaves = read_leaves(con, least=0)
    assert len(leaves["sales_order_lines"]) > 2
    assert read_leaves(con) == {}
    assert relation(lines, {}) == "source.public.sales_order_lines"
    assert relation(products, leaves) == "source.public.products"
    read = [
        con.execute(f"SELECT sales_order_line_id, net_amount FROM {relation(lines, by)} ORDER BY ALL").fetchall()
        for by in ({}, leaves)
    ]
    assert read[0] == read[1] != []
    con.close()
