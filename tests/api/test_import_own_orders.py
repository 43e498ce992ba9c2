"""A chain folder beside orders that were made here: it leaves them alone; its own lie by month and have a status."""

from __future__ import annotations

import itertools

import psycopg
import pytest

from api.imports.folder import import_folder

CHAIN = 'name = "Chain"\ncurrency = "EUR"\ntimezone = "Europe/Paris"\nas_of = "{as_of}"\n'
FIRST = {
    "stores.csv": "store_code,name\nS1,One\nS2,Two\n",
    "products.csv": "sku,name,category,brand\nP1,First,frames,Vista Bay\nP2,Second,lenses,\n",
}
SALES = "sold_on,store_code,sku,quantity,net_amount,order_ref,line_ref\n"
OPEN = "order_ref,store_code,sku,quantity,expected_on\n"


class Importer:
    def __init__(self, url, path):
        self.url, self.path, self.numbers = url, path, itertools.count()

    def load(self, as_of, **files):
        folder = self.path / f"folder{next(self.numbers)}"
        folder.mkdir()
        (folder / "chain.toml").write_text(CHAIN.format(as_of=as_of))
        for name, text in files.items():
            (folder / name.replace("_csv", ".csv")).write_text(text)
        return import_folder(folder, self.url, reports=self.path / "reports")

    def rows(self, query):
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def chain(empty_url, tmp_path):
    opened = Importer(empty_url, tmp_path)
    first = {name.replace(".csv", "_csv"): text for name, text in FIRST.items()}
    opened.load("2024-04-15", sales_csv=SALES + "2024-04-01,S1,P1,1,9,O1,1\n", **first)
    return opened


def test_sales_orders_made_here_are_left_alone(chain):
    chain.rows(
        "INSERT INTO sales_orders (order_ref, order_number, store_id, ordered_on, status)"
        " SELECT 'SO-1', 'SO-1', store_id, '2024-04-02', 'confirmed' FROM stores WHERE store_code = 'S1';"
        "INSERT INTO sales_order_lines"
        " (sales_order_id, ordered_on, line_ref, product_id, sold_on, quantity, net_amount)"
        " SELECT sales_order_id, ordered_on, '1', product_id, ordered_on, 2, 20 FROM sales_orders, products"
        " WHERE order_ref = 'SO-1' AND sku = 'P1'"
    )
    before = chain.rows("SELECT * FROM sales_order_lines ORDER BY 1")
    report = chain.load("2024-04-15", sales_csv=SALES + "2024-04-02,S1,P1,9,90,SO-1,1\n2024-04-02,S2,P2,1,,SO-1,2\n")
    assert chain.rows("SELECT * FROM sales_order_lines ORDER BY 1") == before
    assert report.warnings == ["sales.csv: 2 line(s) name orders that were made here; they are left as they are"]
    count = next(each for each in report.files if each.name == "sales.csv")
    assert (count.added, count.changed, count.unchanged) == (0, 0, 2)


def test_purchase_orders_made_here_are_left_alone(chain):
    chain.load("2024-04-15", open_orders_csv=OPEN + "PO1,S1,P1,5,2024-04-20\n")
    chain.rows(
        "INSERT INTO users (username, password_hash) VALUES ('buyer', '-');"
        "INSERT INTO vendors (vendor_code, name) VALUES ('V', 'Vendor');"
        "INSERT INTO purchase_orders (order_ref, vendor_id, created_by) SELECT 'HERE', vendor_id, user_id"
        " FROM vendors, users;"
        "INSERT INTO purchase_order_lines (purchase_order_id, store_id, product_id, open_qty, ordered_qty, expected_on)"
        " SELECT purchase_order_id, store_id, product_id, 5, 5, '2024-04-20' FROM purchase_orders, stores, products"
        " WHERE order_ref = 'HERE' AND store_code = 'S1' AND sku = 'P1'"
    )
    report = chain.load("2024-04-25", open_orders_csv=OPEN + "HERE,S1,P1,3,2024-04-28\n")
    lines = "SELECT order_ref, state, open_qty, received_qty FROM purchase_order_lines JOIN purchase_orders"
    assert chain.rows(f"{lines} USING (purchase_order_id) ORDER BY 1") == [
        ("HERE", "open", 5, 0),
        ("PO1", "received", 0, 5),
    ]
    assert report.warnings == ["open_orders.csv: 1 line(s) name orders that were made here; they are left as they are"]


def test_the_status_of_a_purchase_order_follows_its_lines(chain):
    status = "SELECT order_ref, status FROM purchase_orders ORDER BY 1"
    chain.load(
        "2024-04-15",
        open_orders_csv=OPEN + "A,S1,P1,5,2024-04-20\nA,S1,P2,5,2024-04-20\nB,S1,P1,1,2024-05-30\n",
    )
    assert chain.rows(status) == [("A", "sent"), ("B", "sent")]
    chain.load("2024-04-25", open_orders_csv=OPEN + "A,S1,P2,2,2024-04-28\n")
    assert chain.rows(status) == [("A", "partially_received"), ("B", "cancelled")]
    chain.load("2024-04-30", open_orders_csv=OPEN)
    assert chain.rows(status) == [("A", "received"), ("B", "cancelled")]


def test_lines_lie_in_the_month_their_order_came_to_be(chain):
    many = "".join(f"2024-02-{1 + i % 28:02},S1,P1,1,,F{i // 2},{i}\n" for i in range(1000))
    chain.load("2024-04-15", sales_csv=SALES + many + "2024-01-31,S1,P1,1,,X,1\n2024-02-01,S1,P1,1,,X,2\n")
    assert chain.rows(
        "SELECT tableoid::regclass::text, min(sold_on)::text, max(sold_on)::text, count(*)"
        " FROM sales_order_lines GROUP BY 1 ORDER BY 1"
    ) == [
        ("sales_order_lines_default", "2024-01-31", "2024-04-01", 3),
        ("sales_order_lines_y2024m02", "2024-02-01", "2024-02-28", 1000),
    ]
    # an order keeps its day, whatever comes later
    chain.load("2024-04-15", sales_csv=SALES + "2024-01-15,S1,P1,1,,X,1\n2024-03-01,S1,P1,1,,X,3\n")
    assert chain.rows(
        "SELECT DISTINCT l.ordered_on::text, l.tableoid::regclass::text FROM sales_order_lines AS l"
        " JOIN sales_orders USING (sales_order_id, ordered_on) WHERE order_ref = 'X'"
    ) == [("2024-01-31", "sales_order_lines_default")]


def test_a_line_that_moves_to_another_store_takes_its_return_along(chain):
    chain.rows(
        "INSERT INTO users (username, password_hash) VALUES ('seller', '-');"
        "INSERT INTO sales_returns (return_number, sales_order_id, store_id, returned_on, reason, taxable_amount,"
        " tax_amount, total_amount, created_by)"
        " SELECT 'R1', sales_order_id, store_id, '2024-04-05', 'too tight', 9, 0, 9, user_id FROM sales_orders, users;"
        "INSERT INTO sales_return_lines (sales_return_id, sales_order_line_id, ordered_on, quantity, condition,"
        " taxable_amount, tax_amount) SELECT sales_return_id, sales_order_line_id, ordered_on, 1, 'good', 9, 0"
        " FROM sales_returns JOIN sales_order_lines USING (sales_order_id)"
    )
    chain.load("2024-04-15", sales_csv=SALES + "2024-04-03,S2,P1,1,9,O1,1\n")
    assert chain.rows(
        "SELECT store_code, l.ordered_on::text FROM sales_return_lines"
        " JOIN sales_order_lines AS l USING (sales_order_line_id, ordered_on)"
        " JOIN sales_orders AS o ON o.sales_order_id = l.sales_order_id JOIN stores USING (store_id)"
    ) == [("S2", "2024-04-03")]
    assert chain.rows("SELECT count(*) FROM sales_orders") == [(2,)]  # the return's own order stays


def test_categories_and_brands_are_known_from_the_products_that_name_them(chain):
    assert chain.rows("SELECT code, kind FROM categories ORDER BY 1") == [("frames", "other"), ("lenses", "other")]
    assert chain.rows("SELECT name FROM brands") == [("Vista Bay",)]
