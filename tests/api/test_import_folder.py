"""A chain folder loads whole, again changes nothing, and later folders update: masters, sales in both forms, terms."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from decimal import Decimal
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.imports.columns import STAGED_TYPES, Column
from api.imports.files import describe_files, find_file
from api.imports.folder import import_folder
from api.imports.report import ImportReport, InvalidFolder
from api.imports.source import Batch
from api.imports.values import check_values
from ims.settings import get_settings

CHAIN = 'name = "Chain"\ncurrency = "EUR"\ntimezone = "Europe/Paris"\nas_of = "2024-04-15"\n'
FIRST = {
    "chain.toml": CHAIN,
    "stores.csv": "store_code,name,city,kind\nS1,One,Paris,store\nS2,Two,,\nW1,Store room,,warehouse\n",
    "products.csv": (
        'sku,name,category,unit_price,attributes\nP1,"A, with a comma",x,1.50,"{""dia"": 14.2}"\nP2,,y,"",\n'
    ),
    "vendors.csv": "vendor_code,name\nV1,Vendor\n",
    "supply.csv": (
        'sku,store_code,vendor_code,lead_time_days,review_period_days,pack_size\nP1,"",V1,14,7,6\nP1,S1,V1,3,7,\n'
    ),
    "costs.csv": 'sku,store_code,holding_cost_per_unit_week,shortage_cost_per_unit\n"","",0.2,1\nP1,,0.3,\n',
    "assortment.csv": "store_code,sku,from_date,to_date,display_min\nS1,P1,,,2\nS1,P2,2024-01-01,2024-12-31,\n",
    "availability.csv": (
        "store_code,sku,from_date,to_date,in_stock\nS1,P1,2024-01-01,2024-01-31,true\nS1,P1,2024-02-01,,false\n"
    ),
    "sales.csv": (
        "sold_on,store_code,sku,quantity,sold_at,net_amount,order_ref,line_ref,customer_ref\n"
        "2024-04-01,S1,P1,3,2024-04-01 10:00:00,4.50,O1,1,C1\n"
        "2024-04-01,S1,P2,-1,2024-04-01T10:00:00+00:00,,O1,2,C1\n"
        "2024-04-02,S1,P1,2,,3.00,,,\n"
        "2024-04-02,S1,P1,4,,6.00,,,\n"
        "2024-04-02,S1,P1,-1,,-1.50,,,\n"
        "2024-04-03,S2,P1,0,,,,,\n"
        "2030-01-01,S2,P1,1000000000,,,,,\n"
    ),
}
FINGERPRINTED = (
    "chain", "stores", "products", "vendors", "customers", "assortment", "supply_terms", "cost_terms",
    "purchase_orders", "purchase_order_lines", "sales_orders", "sales_order_lines", "daily_sales", "stock_moves",
    "stock_statements", "availability", "imports", "deleted_rows",
)  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An IMS_HOME of the test's own."""
    monkeypatch.setenv("IMS_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()


@pytest.fixture
def chain(empty_url, tmp_path):
    """A function that imports a folder of the given files, and the database to look at."""
    return Importer(empty_url, tmp_path)


class Importer:
    def __init__(self, url, path):
        self.url, self.path, self.number = url, path, 0
        self.reports: Path | None = path / "reports"

    def load(self, files, **options):
        self.number += 1
        folder = self.path / f"folder{self.number}"
        folder.mkdir()
        for name, content in files.items():
            if isinstance(content, pl.DataFrame):
                content.write_parquet(folder / name)
            else:
                (folder / name).write_text(content)
        return import_folder(folder, self.url, reports=self.reports, **options)

    def rows(self, query):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def fingerprint(self):
        return {table: self.rows(f"SELECT t::text FROM {table} AS t ORDER BY 1") for table in FINGERPRINTED}


def _counts(report, name):
    count = report.file(name)
    return count.rows, count.added, count.changed, count.unchanged


def test_a_first_folder_loads_every_file(chain, home):
    chain.reports = None
    report = chain.load(FIRST)
    assert not report.is_unchanged
    assert report.as_of == dt.date(2024, 4, 15)
    assert {each.name: _counts(report, each.name.split(".")[0])[:2] for each in report.files} == {
        "chain.toml": (1, 1), "stores.csv": (3, 3), "products.csv": (2, 2), "vendors.csv": (1, 1),
        "supply.csv": (2, 2), "costs.csv": (2, 2), "assortment.csv": (2, 2), "sales.csv": (7, 5),
        "availability.csv": (2, 2),
    }  # fmt: skip
    assert chain.rows("SELECT store_code, name, city, kind FROM stores ORDER BY 1") == [
        ("S1", "One", "Paris", "store"),
        ("S2", "Two", None, "store"),
        ("W1", "Store room", None, "warehouse"),
    ]
    assert chain.rows("SELECT sku, name, unit_price, attributes FROM products ORDER BY 1") == [
        ("P1", "A, with a comma", Decimal("1.5000"), {"dia": 14.2}),
        ("P2", "P2", None, None),
    ]
    assert chain.rows("SELECT store_id IS NULL, lead_time_days, moq, pack_size FROM supply_terms ORDER BY 1") == [
        (False, 3, 1, 1),
        (True, 14, 1, 6),
    ]
    assert chain.rows("SELECT sales_grain, unmet_demand FROM chain") == [("line", "lost")]
    assert any("no name; sku stands in" in warning for warning in report.warnings)
    assert report.path is not None
    assert report.path.parent == home / "imports"
    assert chain.rows("SELECT as_of, report ->> 'folder' FROM imports") == [(dt.date(2024, 4, 15), report.folder)]


def test_lines_become_orders_and_the_rest_daily_totals(chain):
    report = chain.load(FIRST)
    assert chain.rows("""
        SELECT order_ref, customer_code, line_ref, sold_on::text, quantity, net_amount, sold_at AT TIME ZONE 'UTC'
        FROM sales_orders JOIN customers USING (customer_id) JOIN sales_order_lines USING (sales_order_id) ORDER BY 3
    """) == [
        # ten o'clock without an offset is Paris time, in summer two hours ahead
        ("O1", "C1", "1", "2024-04-01", 3, Decimal("4.50"), dt.datetime(2024, 4, 1, 8)),
        ("O1", "C1", "2", "2024-04-01", -1, None, dt.datetime(2024, 4, 1, 10)),
    ]
    assert chain.rows("SELECT sold_on::text, sold_qty, returned_qty, net_amount FROM daily_sales ORDER BY 1") == [
        ("2024-04-02", 6, 1, Decimal("7.50")),
        ("2024-04-03", 0, 0, None),
        ("2030-01-01", 1_000_000_000, 0, None),
    ]
    assert report.file("sales").summed == 2
    assert chain.rows("SELECT count(*) FROM stock_moves") == [(0,)]


def test_the_checksum_is_of_the_file(chain):
    report = chain.load(FIRST)
    assert report.file("sales").sha256 == hashlib.sha256(FIRST["sales.csv"].encode()).hexdigest()
    assert report.file("chain").sha256 == hashlib.sha256(CHAIN.encode()).hexdigest()


def test_the_same_folder_again_changes_nothing_and_says_so(chain):
    chain.load(FIRST)
    before = chain.fingerprint()
    again = chain.load(FIRST)
    assert again.is_unchanged
    assert "nothing changed" in again.to_text()
    assert _counts(again, "sales") == (7, 0, 0, 5)
    assert chain.fingerprint() == before


def test_a_known_folder_is_not_read_again(chain):
    chain.load(FIRST)
    calls = []
    again = chain.load(FIRST, progress=lambda *call: calls.append(call))
    assert calls == []
    assert again.is_unchanged
    assert again.as_of == dt.date(2024, 4, 15)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stores SET city = 'Rome' WHERE store_code = 'S1'",
        "UPDATE daily_sales SET sold_qty = 5 WHERE sold_on = '2024-04-02'",
        "DELETE FROM daily_sales WHERE sold_on = '2024-04-02'",
        "DELETE FROM sales_order_lines WHERE line_ref = '2'",
        "UPDATE chain SET name = 'Other', updated_at = clock_timestamp()",
    ],
)
def test_a_known_folder_is_compared_after_a_change(chain, change):
    chain.load(FIRST)
    with psycopg.connect(chain.url) as connection:
        connection.execute(change)
    restored = chain.load(FIRST)
    assert not restored.is_unchanged
    assert sum(each.added + each.changed for each in restored.files) == 1
    assert chain.load(FIRST).is_unchanged


def test_a_change_open_beside_an_import_is_seen(chain):
    chain.load(FIRST)
    stores = {"stores.csv": "store_code,name\nS1,First\nS2,Two\n"}
    with psycopg.connect(chain.url) as connection:
        connection.execute("UPDATE stores SET name = 'Changed' WHERE store_code = 'S2'")
        chain.load(stores)
        connection.commit()
    # that transaction is older than the import's, and was committed after it
    assert chain.load(stores).file("stores").changed == 1
    assert chain.rows("SELECT name FROM stores WHERE store_code = 'S2'") == [("Two",)]


def test_the_same_folder_as_parquet_changes_nothing(chain):
    chain.load(FIRST)
    before = chain.fingerprint()
    text = {name: pl.read_csv(content.encode(), infer_schema=False) for name, content in FIRST.items() if "csv" in name}
    typed = text | {
        "sales.csv": pl.read_csv(FIRST["sales.csv"].encode(), try_parse_dates=True).with_columns(
            pl.col("sold_at").cast(pl.String)
        ),
        "supply.csv": pl.read_csv(FIRST["supply.csv"].encode()),
        "availability.csv": pl.read_csv(FIRST["availability.csv"].encode(), try_parse_dates=True),
    }
    # the two times of sales.csv mix forms, which one typed column cannot: they stay text
    typed["sales.csv"] = typed["sales.csv"].with_columns(text["sales.csv"]["sold_at"])
    folder = {name.replace(".csv", ".parquet"): frame for name, frame in typed.items()} | {"chain.toml": CHAIN}
    assert chain.load(folder).is_unchanged
    assert chain.fingerprint() == before


def test_a_dry_run_counts_and_loads_nothing(chain):
    before = chain.fingerprint()
    report = chain.load(FIRST, dry_run=True)
    assert _counts(report, "sales") == (7, 5, 0, 0)
    assert "dry run" in report.to_text()
    assert chain.fingerprint() == before


def test_masters_given_again_update_and_absent_ones_and_columns_stay(chain):
    chain.load(FIRST)
    report = chain.load({"stores.csv": "store_code,name\nS1,First\nS3,Three\n"})
    assert _counts(report, "stores") == (2, 1, 1, 0)
    assert chain.rows("SELECT store_code, name, city FROM stores ORDER BY 1") == [
        ("S1", "First", "Paris"), ("S2", "Two", None), ("S3", "Three", None), ("W1", "Store room", None),
    ]  # fmt: skip


def test_an_empty_value_given_again_clears(chain):
    chain.load(FIRST)
    chain.load({"stores.csv": 'store_code,name,city\nS1,One,""\n'})
    assert chain.rows("SELECT city FROM stores WHERE store_code = 'S1'") == [(None,)]


def test_terms_given_again_update_where_their_key_has_nulls(chain):
    chain.load(FIRST)
    report = chain.load(
        {
            "costs.csv": 'sku,store_code,holding_cost_per_unit_week\n"","",0.5\n',
            "supply.csv": "sku,vendor_code,lead_time_days,review_period_days\nP1,V1,15,7\n",
            "assortment.csv": "store_code,sku,display_min\nS1,P1,3\n",
        }
    )
    assert [_counts(report, name)[1:3] for name in ("costs", "supply", "assortment")] == [(0, 1)] * 3
    assert chain.rows(
        "SELECT holding_cost_per_unit_week, shortage_cost_per_unit FROM cost_terms WHERE product_id IS NULL"
    ) == [(Decimal("0.5000"), Decimal("1.0000"))]
    assert chain.rows("SELECT lead_time_days, pack_size FROM supply_terms WHERE store_id IS NULL") == [(15, 6)]


def test_a_corrected_line_replaces_the_earlier_one(chain):
    chain.load(FIRST)
    header = FIRST["sales.csv"].splitlines()[0]
    report = chain.load(
        {"sales.csv": f"{header}\n2024-04-01,S2,P1,5,,7.50,O1,1,C2\n2024-04-02,S1,P1,9,,,,,\n2024-04-05,S1,P1,1,,,,,\n"}
    )
    assert _counts(report, "sales") == (3, 1, 2, 0)
    assert chain.rows("SELECT sold_qty, returned_qty FROM daily_sales WHERE sold_on = '2024-04-02'") == [(9, 0)]
    assert chain.rows("""
        SELECT store_code, quantity, net_amount, customer_code FROM sales_order_lines
        JOIN sales_orders USING (sales_order_id) JOIN stores USING (store_id) JOIN customers USING (customer_id)
        WHERE line_ref = '1'""") == [("S2", 5, Decimal("7.50"), "C2")]
    assert chain.rows("SELECT count(*) FROM sales_order_lines") == [(2,)]


def test_an_order_whose_last_line_moved_to_another_store_is_gone(chain):
    header = "sold_on,store_code,sku,quantity,order_ref,line_ref\n"
    chain.load(FIRST | {"sales.csv": header + "2024-04-01,S1,P1,5,O1,1\n"})
    chain.load({"sales.csv": header + "2024-04-01,S2,P1,5,O1,1\n"})
    assert chain.rows("SELECT store_code FROM sales_orders JOIN stores USING (store_id)") == [("S2",)]


def test_an_open_span_is_ended_by_a_later_folder(chain):
    chain.load(FIRST)
    later = {"availability.csv": "store_code,sku,from_date,in_stock\nS1,P1,2024-04-10,true\n"}
    report = chain.load(later)
    spans = [("2024-01-01", "2024-01-31", True), ("2024-02-01", "2024-04-09", False), ("2024-04-10", None, True)]
    query = "SELECT from_on::text, to_on::text, is_in_stock FROM availability ORDER BY 1"
    assert chain.rows(query) == spans
    assert report.file("availability").closed == 1
    assert chain.load(later).is_unchanged
    assert chain.load(FIRST).is_unchanged
    assert chain.rows(query) == spans


def test_a_span_that_contradicts_a_stored_one_is_refused(chain):
    chain.load(FIRST)
    with pytest.raises(InvalidFolder, match=r"availability\.csv, line 2, column from_date, value '2024-01-31'"):
        chain.load(
            {"availability.csv": "store_code,sku,from_date,to_date,in_stock\nS1,P1,2024-01-31,2024-01-31,false\n"}
        )


def test_as_of_moves_forward_only(chain):
    chain.load(FIRST)
    with pytest.raises(InvalidFolder, match="must not lie before 2024-04-15"):
        chain.load({"chain.toml": CHAIN.replace("04-15", "04-14")})
    report = chain.load({"chain.toml": 'as_of = "2024-04-22"\n'})
    assert chain.rows("SELECT name, as_of::text FROM chain") == [("Chain", "2024-04-22")]
    assert report.as_of == dt.date(2024, 4, 22)


def test_what_only_the_table_sees_is_reported_too(chain):
    chain.load(FIRST | {"stores.csv": "store_code,name,opened_on\nS1,One,2024-01-01\nS2,Two,\n"})
    with pytest.raises(
        InvalidFolder, match=r"stores\.csv: must agree with what is loaded already .*closes_after_opening"
    ):
        chain.load({"stores.csv": "store_code,name,closed_on\nS1,One,2023-01-01\n"})
    assert chain.rows("SELECT closed_on FROM stores WHERE store_code = 'S1'") == [(None,)]


@pytest.mark.parametrize("step", ["sales.csv", "check sales.csv", "load sales.csv", "load availability.csv"])
def test_an_import_that_dies_leaves_nothing_half_loaded(chain, step):
    before = chain.fingerprint()

    def die(description, done, total):
        if description == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chain.load(FIRST, progress=die)
    assert chain.fingerprint() == before
    assert not chain.load(FIRST).is_unchanged


def test_a_report_that_cannot_be_written_is_a_warning(chain):
    (chain.path / "file").write_text("")
    chain.reports = chain.path / "file" / "reports"
    report = chain.load(FIRST)
    assert report.path is None
    assert any("the report could not be written" in warning for warning in report.warnings)
    assert chain.rows("SELECT count(*) FROM stores") == [(3,)]


def test_progress_says_how_far_each_file_is(chain):
    calls = []
    chain.load(FIRST, progress=lambda *call: calls.append(call))
    assert ("sales.csv", 7, None) in calls


def test_a_second_import_waits_for_the_first_and_says_for_whom(chain):
    said, waiting = [], threading.Event()

    def listen(description, done, total):
        said.append(description)
        waiting.set()

    with psycopg.connect(chain.url, application_name="ims import other") as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtext('ims import'))")
        second = threading.Thread(target=chain.load, args=(FIRST,), kwargs={"progress": listen})
        second.start()
        assert waiting.wait(20)
        assert said[0].startswith("waiting for ims import other (server process")
        assert chain.rows("SELECT count(*) FROM stores") == [(0,)]
    second.join(60)
    assert chain.rows("SELECT count(*) FROM stores") == [(3,)]


def test_bulk_inserts_keep_their_references(chain):
    lines = "".join(f"2024-01-01,S1,P1,1,O{i // 3},{i}\n" for i in range(10_001))
    days = "".join(f"{dt.date(1990, 1, 1) + dt.timedelta(i)},S2,P2,1,,\n" for i in range(10_001))
    chain.load(FIRST | {"sales.csv": "sold_on,store_code,sku,quantity,order_ref,line_ref\n" + lines + days})
    assert chain.rows(
        "SELECT count(*) FROM daily_sales JOIN stores USING (store_id) JOIN products USING (product_id)"
    ) == [(10_001,)]
    assert chain.rows(
        "SELECT count(*), count(DISTINCT sales_order_id) FROM sales_order_lines"
        " JOIN sales_orders USING (sales_order_id) JOIN products USING (product_id)"
    ) == [(10_001, 3334)]
    # the change tracking of updates is not among what a bulk insert leaves out
    chain.load({"sales.csv": "sold_on,store_code,sku,quantity\n1990-01-01,S2,P2,5\n"})
    assert chain.rows("SELECT count(DISTINCT changed_xid) FROM daily_sales") == [(2,)]


@settings(max_examples=200)
@given(st.sampled_from(["integer", "decimal", "date", "boolean", "timestamp", "json"]), st.text(max_size=12))
def test_no_text_is_a_value_unless_postgres_takes_it_as_one(server_types, kind, text):
    """Values that pass the reader must pass COPY: anything else would be a crash instead of a report."""
    server_types(kind, text)


@pytest.fixture(scope="module")
def server_types(server):
    """A function that puts one text through the reader and, when it passes, through PostgreSQL's own cast."""
    with psycopg.connect(server.operational, autocommit=True) as connection:

        def check(kind, text):
            batch = Batch(pl.DataFrame({"0": [text]}), pl.Series("line", [2]))
            report = ImportReport("folder")
            frame = check_values(batch, {0: Column("x", kind, "x")}, "x.csv", report)
            value = frame.get_column("x")[0]
            assert (value is None) == bool(report.faults) or text == ""
            if value is not None:
                connection.execute(f"SELECT %s::text::{STAGED_TYPES[kind]}", [str(value)])

        yield check


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "+7", 7), ("integer", "5.0", 5), ("integer", "5.5", None), ("integer", "1e3", None),
        ("integer", " 5", None), ("decimal", "-1.25", "-1.25"), ("decimal", "1,5", None), ("decimal", "NaN", None),
        ("boolean", "TRUE", True), ("boolean", "1", None), ("date", "2024-1-5", None), ("date", "1899-12-31", None),
        ("timestamp", "2024-04-15 09:30", "2024-04-15 09:30:00.000000"),
        ("timestamp", "2024-04-15T09:30:00Z", "2024-04-15 09:30:00.000000Z"),
        ("timestamp", "2024-04-15 24:30:00", None), ("json", '{"a": NaN}', None), ("json", '{"a": "\\u0000"}', None),
    ],
)  # fmt: skip
def test_values_are_read_strictly(kind, text, value):
    batch = Batch(pl.DataFrame({"0": [text]}), pl.Series("line", [2]))
    frame = check_values(batch, {0: Column("x", kind, "x")}, "x.csv", ImportReport("folder"))
    assert frame.get_column("x")[0] == value


@pytest.mark.parametrize(("text", "passes"), [("0", True), ("1", True), ("1.01", False), ("-0.01", False)])
def test_bounds_belong_to_the_range(text, passes):
    batch = Batch(pl.DataFrame({"0": [text]}), pl.Series("line", [2]))
    report = ImportReport("folder")
    frame = check_values(batch, {0: Column("x", "decimal", "x", minimum=0, maximum=1)}, "x.csv", report)
    assert (frame.get_column("x")[0] == text) == passes == (not report.faults)


def test_the_documentation_lists_the_columns_as_declared():
    page = (Path(__file__).parents[2] / "docs" / "import-report.md").read_text()
    declared = [f"| {' | '.join(row)} |" for row in describe_files()]
    assert page.split("|---|---|---|---|---|\n")[1].splitlines() == declared


def test_every_required_column_is_declared():
    assert find_file("sales").required == ("sold_on", "store_code", "sku", "quantity")
    assert find_file("open_orders").required == ("order_ref", "store_code", "sku", "quantity", "expected_on")
