"""Search over products and customers: what is found, what comes first, by which index, and for whom."""

from __future__ import annotations

import psycopg
import pytest

CUSTOMERS = """
INSERT INTO stores (store_code, name) VALUES ('A', 'a'), ('B', 'b');
INSERT INTO customers (customer_code, full_name, mobile, email, home_store_id) VALUES
    ('C-0001', 'Ananya Deshpande', '+919812345678', 'ananya.d@example.com', 1),
    ('C-0002', 'Anand Kulkarni', '+919823456789', NULL, 1),
    ('C-0003', 'Ann D''Souza', '+919834567890', NULL, 2),
    ('C-0004', 'Kiran Anand', '9845678901', NULL, 2);
"""
PRODUCTS = """
INSERT INTO products (sku, name, category, brand, model, barcode) VALUES
    ('VB-3025-G', 'Aviator gold', 'sunglasses', 'Vista Bay', 'VB 3025', '8901234567894'),
    ('VB-4165', 'Justin black', 'sunglasses', 'Vista Bay', 'VB 4165', NULL),
    ('SOL-120', 'Multipurpose solution 120 ml', 'solutions', 'Clearwell', NULL, '8909876543210');
"""
CROWD = """
INSERT INTO customers (customer_code, full_name, mobile)
SELECT 'X' || i, initcap(translate(md5(i::text), '0123456789', 'aeioukmnrs')) || ' '
       || initcap(substr(translate(md5(i::text || 'l'), '0123456789', 'aeioukmnrs'), 1, 8)),
       '+9170' || lpad(i::text, 8, '0')
FROM generate_series(1, 20000) AS i;
INSERT INTO products (sku, name, category, barcode)
SELECT 'S' || i, translate(md5(i::text), '0123456789', 'aeioukmnrs'), 'frames', lpad(i::text, 13, '0')
FROM generate_series(1, 20000) AS i;
ANALYZE customers;
ANALYZE products;
"""


@pytest.fixture
def connection(installation):
    with psycopg.connect(installation.databases.operational) as opened:
        opened.execute(CUSTOMERS + PRODUCTS)
        opened.execute("SET ims.store_ids = '*'")
        yield opened


def find_customers(connection, wanted, most=20):
    return [
        row[0]
        for row in connection.execute(
            "SELECT c.full_name FROM ims_find_customers(%s, %s) AS f JOIN customers AS c USING (customer_id)"
            " ORDER BY f.score DESC, c.customer_id DESC",
            [wanted, most],
        )
    ]


def find_products(connection, wanted):
    return [
        row[0]
        for row in connection.execute(
            "SELECT p.sku FROM ims_find_products(%s, 20) AS f JOIN products AS p USING (product_id)"
            " ORDER BY f.score DESC, p.product_id DESC",
            [wanted],
        )
    ]


def test_customers_are_found(connection):
    wanted = {
        "Ananya Deshpande": "Ananya Deshpande",
        "deshpande ananya": "Ananya Deshpande",
        "desh": "Ananya Deshpande",
        "shpan": "Ananya Deshpande",  # within a word
        "ananya deshpnade": "Ananya Deshpande",  # two letters exchanged
        "kulkarmi": "Anand Kulkarni",  # one wrong
        "kulkani": "Anand Kulkarni",  # one missing
        "kulkkarni": "Anand Kulkarni",  # one too many
        "+91 98234 56789": "Anand Kulkarni",
        "9823456789": "Anand Kulkarni",
        "567890": "Ann D'Souza",
        "dsouza": "Ann D'Souza",
        "C-0004": "Kiran Anand",
        "c0004": "Kiran Anand",
        "ananya.d@example.com": "Ananya Deshpande",
        "k anand": "Kiran Anand",  # the initial ranks
    }
    assert {each: find_customers(connection, each)[:1] for each in wanted} == {k: [v] for k, v in wanted.items()}


def test_what_nobody_is_called_finds_nobody(connection):
    for wanted in ("", "  ", "'", "!!", "zzqqxx", "9823456780", "x" * 500, "& | :* <->", "%"):
        assert find_customers(connection, wanted) == []


def test_a_whole_word_comes_before_its_beginning(connection):
    assert find_customers(connection, "ann") == ["Ann D'Souza"]
    assert find_customers(connection, "anand")[0] in ("Anand Kulkarni", "Kiran Anand")
    assert set(find_customers(connection, "an")) == {"Ananya Deshpande", "Anand Kulkarni", "Ann D'Souza", "Kiran Anand"}


def test_no_more_are_given_than_asked_for(connection):
    assert len(find_customers(connection, "an", most=2)) == 2


def test_products_are_found(connection):
    wanted = {
        "vb 3025": "VB-3025-G",
        "vb3025g": "VB-3025-G",
        "vb-3025": "VB-3025-G",
        "aviator": "VB-3025-G",
        "aviatr": "VB-3025-G",
        "vista justin": "VB-4165",
        "8909876543210": "SOL-120",
        "clearwell 120": "SOL-120",
    }
    assert {each: find_products(connection, each)[:1] for each in wanted} == {k: [v] for k, v in wanted.items()}


def test_only_customers_of_the_stores_in_reach_are_found(connection):
    everybody = {"Anand Kulkarni", "Kiran Anand"}
    assert set(find_customers(connection, "anand")) == everybody
    for nothing in ("RESET ims.store_ids", "SET LOCAL ims.store_ids = ''", "SET LOCAL ims.store_ids = '{}'"):
        connection.execute(nothing)
        assert find_customers(connection, "anand") == []
    connection.execute("SET LOCAL ims.store_ids = '{2}'")
    assert find_customers(connection, "anand") == ["Kiran Anand"]
    connection.execute(
        "INSERT INTO sales_orders (order_ref, store_id, customer_id, ordered_on)"
        " SELECT 'o', 2, customer_id, '2024-05-01' FROM customers WHERE customer_code = 'C-0002'"
    )
    assert set(find_customers(connection, "anand")) == everybody  # who ordered there is known there
    connection.execute("SET LOCAL ims.store_ids = '*'")
    assert set(find_customers(connection, "anand")) == everybody


@pytest.mark.slow
def test_search_reads_its_indexes_not_the_tables(connection):
    connection.execute(CROWD)
    connection.commit()
    before = _scans(connection)
    for wanted in ("ananya deshpande", "shpan", "kulkarmi", "9823456789"):
        assert find_customers(connection, wanted)
    for wanted in ("aviator", "viato", "aviatr"):
        assert find_products(connection, wanted)
    after = _scans(connection)
    for index in ("ix_customers_words", "ix_customers_trigrams", "ix_products_words", "ix_products_trigrams"):
        assert after[index] > before[index]
    for table in ("customers", "products"):
        assert after[table] == before[table]


def _scans(connection):
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.commit()
    found = connection.execute(
        "SELECT indexrelname, idx_scan FROM pg_stat_user_indexes WHERE relname IN ('customers', 'products')"
        " UNION ALL SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN ('customers', 'products')"
    ).fetchall()
    connection.commit()
    return dict(found)
