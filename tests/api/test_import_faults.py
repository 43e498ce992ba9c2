"""Every rule of a chain folder that a folder can break: what the report says, and that nothing was loaded."""

from __future__ import annotations

import json

import polars as pl
import psycopg
import pytest

from api.imports.folder import import_folder
from api.imports.report import InvalidFolder

CHAIN = 'name = "Chain"\ncurrency = "EUR"\ntimezone = "Europe/Paris"\nas_of = "2024-04-15"\n'
VALID = {
    "chain.toml": CHAIN,
    "stores.csv": "store_code,name\nS1,One\nS2,Two\n",
    "products.csv": "sku,name,category\nP1,A,x\nP2,B,x\n",
    "sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S1,P1,3\n",
}
LINES = "sold_on,store_code,sku,quantity,order_ref,line_ref\n"
STOCK = "as_of,store_code,sku,on_hand\n"
ORDERS = "order_ref,store_code,sku,quantity,expected_on,vendor_code,suggestion_id\n"
SPANS = "store_code,sku,from_date,to_date,in_stock\n"
SUPPLY = "sku,vendor_code,lead_time_days,review_period_days,moq,store_code\n"
VENDORS = {"vendors.csv": "vendor_code,name\nV1,V\nV2,W\n"}


def _refuse(folder, files, url):
    """The report of a folder that must be refused and must leave the database empty."""
    folder.mkdir()
    for name, content in files.items():
        if content is None:
            continue
        if isinstance(content, pl.DataFrame):
            content.write_parquet(folder / name)
        else:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidFolder) as refused:
        import_folder(folder, url, reports=folder.parent / "reports")
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE' AND table_name NOT IN ('alembic_version', 'stock_locations')"
        ).fetchall()
        for (table,) in tables:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    return refused.value.report


CASES = {
    "missing chain.toml": ({"chain.toml": None}, ("chain.toml", None, None, None, "must be in the first folder")),
    "missing stores": ({"stores.csv": None}, ("stores.csv", None, None, None, "is missing")),
    "missing sales": ({"sales.csv": None}, ("sales.csv", None, None, None, "is missing")),
    "two sales files": (
        {"sales.parquet": pl.DataFrame({"sold_on": ["2024-04-01"]})},
        ("sales.parquet", None, None, None, "must not lie beside sales.csv"),
    ),
    "misspelt file": ({"stok.csv": STOCK}, ("stok.csv", None, None, None, "did you mean 'stock.csv'?")),
    "unknown column": (
        {"stores.csv": "store_code,name,cty\nS1,One,Rome\nS2,Two,\n"},
        ("stores.csv", 1, "cty", None, "is not a known column; did you mean 'city'?"),
    ),
    "missing column": (
        {"products.csv": "sku,name\nP1,A\n"},
        ("products.csv", 1, "category", None, "is a required column and is missing"),
    ),
    "column twice": (
        {"stores.csv": "store_code,name,name\nS1,One,One\n"},
        ("stores.csv", 1, "name", None, "must be in the header once"),
    ),
    "no header": ({"products.csv": ""}, ("products.csv", 1, None, None, "must have a header line")),
    "bad date": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S1,P1,3\n15/04/2024,S1,P1,3\n"},
        ("sales.csv", 3, "sold_on", "15/04/2024", "must be an ISO date"),
    ),
    "impossible date": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-02-30,S1,P1,3\n"},
        ("sales.csv", 2, "sold_on", "2024-02-30", "must be an ISO date"),
    ),
    "bad number": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S1,P1,three\n"},
        ("sales.csv", 2, "quantity", "three", "must be a whole number"),
    ),
    "number too large": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S1,P1,99999999999\n"},
        ("sales.csv", 2, "quantity", "99999999999", "at most 2,147,483,647"),
    ),
    "total too large": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n" + "2024-04-01,S1,P1,2000000000\n" * 2},
        ("sales.csv", 2, "quantity", "4000000000", "must sum to at most"),
    ),
    "bad money": (
        {"products.csv": 'sku,name,category,unit_price\nP1,A,x,"1,50"\n'},
        ("products.csv", 2, "unit_price", "1,50", "must be a plain number, at least 0"),
    ),
    "bad share": (
        {"products.csv": "sku,name,category,tax_rate\nP1,A,x,18\n"},
        ("products.csv", 2, "tax_rate", "18", "at least 0 and at most 1"),
    ),
    "bad boolean": (
        {"availability.csv": SPANS + "S1,P1,2024-01-01,,yes\n"},
        ("availability.csv", 2, "in_stock", "yes", "must be true or false"),
    ),
    "bad JSON": (
        {"products.csv": "sku,name,category,attributes\nP1,A,x,[1]\n"},
        ("products.csv", 2, "attributes", "[1]", "must be a JSON object"),
    ),
    "bad time": (
        {"sales.csv": "sold_on,store_code,sku,quantity,sold_at\n2024-04-01,S1,P1,3,noon\n"},
        ("sales.csv", 2, "sold_at", "noon", "must be an ISO time"),
    ),
    "bad choice": (
        {"stores.csv": "store_code,name,kind\nS1,One,shop\nS2,Two,store\n"},
        ("stores.csv", 2, "kind", "shop", "must be one of store, warehouse"),
    ),
    "empty required value": (
        {"sales.csv": 'sold_on,store_code,sku,quantity\n2024-04-01,"",P1,3\n'},
        ("sales.csv", 2, "store_code", None, "must be given"),
    ),
    "ends before it starts": (
        {"stores.csv": "store_code,name,opened_on,closed_on\nS1,One,2024-01-02,2024-01-01\nS2,Two,,\n"},
        ("stores.csv", 2, "closed_on", "2024-01-01", "must not lie before opened_on"),
    ),
    "ragged row": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S1,P1,3\n2024-04-02,S1,P1\n"},
        ("sales.csv", 3, None, None, "must have 4 values as the header has, and has 3"),
    ),
    "open quote": (
        {"sales.csv": 'sold_on,store_code,sku,quantity\n2024-04-01,"S1,P1,3\n'},
        ("sales.csv", 2, None, None, "must be CSV as RFC 4180 has it"),
    ),
    "not UTF-8": (
        {"products.csv": b"sku,name,category\nP1,A,x\nP2,caf\xe9,x\n"},
        ("products.csv", 3, None, "P2,caf\\xe9,x", "byte 0xe9 at offset 31 of the file"),
    ),
    "NUL character": (
        {"products.csv": "sku,name,category\nP1,A\x00,x\nP2,B,x\n"},
        ("products.csv", 2, "name", "A\x00", "without NUL"),
    ),
    "unknown store": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S9,P1,3\n"},
        ("sales.csv", 2, "store_code", "S9", "must be a store that stores knows"),
    ),
    "unknown sku": (
        {"sales.csv": "sold_on,store_code,sku,quantity\n2024-04-01,S1,P9,3\n"},
        ("sales.csv", 2, "sku", "P9", "must be a sku that products knows"),
    ),
    "unknown vendor": (
        {"supply.csv": SUPPLY + "P1,V9,7,7,1,\n"},
        ("supply.csv", 2, "vendor_code", "V9", "must be a vendor that vendors knows"),
    ),
    "master twice": (
        {"stores.csv": "store_code,name\nS1,One\nS2,Two\nS1,Again\n"},
        ("stores.csv", 4, "store_code", "S1", "the same key stands already in line 2"),
    ),
    "order line twice": (
        {"sales.csv": LINES + "2024-04-01,S1,P1,3,O1,1\n2024-04-01,S1,P2,3,O1,1\n"},
        ("sales.csv", 3, "order_ref + line_ref", "O1, 1", "the same key stands already in line 2"),
    ),
    "order without line": (
        {"sales.csv": LINES + "2024-04-01,S1,P1,3,O1,\n"},
        ("sales.csv", 2, "line_ref", None, "is needed where order_ref is given"),
    ),
    "supply twice": (
        VENDORS | {"supply.csv": SUPPLY + "P1,V1,7,7,1,\nP1,V1,9,7,1,\n"},
        ("supply.csv", 3, "sku + vendor_code + store_code", "P1, V1, ", "must be in the file once"),
    ),
    "costs twice": (
        {"costs.csv": "holding_cost_per_unit_week,shortage_cost_per_unit\n0.2,1\n0.3,1\n"},
        ("costs.csv", 3, "sku + store_code", ", ", "must be in the file once"),
    ),
    "pack of none": (
        VENDORS | {"supply.csv": SUPPLY + "P1,V1,7,7,0,\n"},
        ("supply.csv", 2, "moq", "0", "at least 1"),
    ),
    "negative on hand": (
        {"stock.csv": STOCK + "2024-04-15,S1,P1,-1\n"},
        ("stock.csv", 2, "on_hand", "-1", "must be a whole number, at least 0"),
    ),
    "statement after as_of": (
        {"stock.csv": STOCK + "2024-04-16,S1,P1,1\n"},
        ("stock.csv", 2, "as_of", "2024-04-16", "must not lie after the chain's as_of 2024-04-15"),
    ),
    "contradicting spans": (
        {"availability.csv": SPANS + "S1,P1,2024-01-01,2024-01-31,true\nS1,P1,2024-01-31,2024-02-05,false\n"},
        ("availability.csv", 3, "from_date", "2024-01-31", "must not overlap a span"),
    ),
    "contradicting open span": (
        {"availability.csv": SPANS + "S1,P1,2024-01-01,,true\nS1,P1,2024-01-31,2024-02-05,false\n"},
        ("availability.csv", 3, "from_date", "2024-01-31", "must not overlap a span"),
    ),
    "contradiction across a span": (
        {
            "availability.csv": SPANS
            + "S1,P1,2024-01-01,2024-03-31,true\nS1,P1,2024-01-05,2024-01-09,true\nS1,P1,2024-03-01,2024-03-02,false\n"
        },
        ("availability.csv", 4, "from_date", "2024-03-01", "must not overlap a span"),
    ),
    "unknown suggestion": (
        {"open_orders.csv": ORDERS + "O1,S1,P1,3,2024-04-20,,77\n"},
        ("open_orders.csv", 2, "suggestion_id", "77", "must be a suggestion that IMS made"),
    ),
    "suggestion no number": (
        {"open_orders.csv": ORDERS + "O1,S1,P1,3,2024-04-20,,abc\n"},
        ("open_orders.csv", 2, "suggestion_id", "abc", "must be a whole number"),
    ),
    "two vendors of one order": (
        VENDORS | {"open_orders.csv": ORDERS + "O1,S1,P1,3,2024-04-20,V1,\nO1,S1,P2,3,2024-04-20,V2,\n"},
        ("open_orders.csv", 3, "vendor_code", "V2", "must be the same on every line"),
    ),
    "key missing": (
        {"chain.toml": CHAIN.replace('name = "Chain"\n', "")},
        ("chain.toml", None, "name", None, "must be given"),
    ),
    "key unknown": (
        {"chain.toml": CHAIN + 'curency = "EUR"\n'},
        ("chain.toml", 5, "curency", None, "is not a known key; did you mean 'currency'?"),
    ),
    "bad currency": (
        {"chain.toml": CHAIN.replace("EUR", "Euro")},
        ("chain.toml", 2, "currency", "Euro", "three capital letters"),
    ),
    "bad timezone": (
        {"chain.toml": CHAIN.replace("Paris", "Lutetia")},
        ("chain.toml", 3, "timezone", "Europe/Lutetia", "must be a time zone"),
    ),
    "bad as_of": (
        {"chain.toml": CHAIN.replace("2024-04-15", "15.4.2024")},
        ("chain.toml", 4, "as_of", "15.4.2024", "must be an ISO date"),
    ),
    "bad grain": (
        {"chain.toml": CHAIN + 'sales_grain = "month"\n'},
        ("chain.toml", 5, "sales_grain", "month", "must be one of line, day, week"),
    ),
    "not TOML": ({"chain.toml": 'name = "Chain\n'}, ("chain.toml", 1, None, None, "must be TOML")),
    "Parquet with a bad type": (
        {
            "sales.csv": None,
            "sales.parquet": pl.DataFrame(
                {"sold_on": ["2024-04-01"], "store_code": ["S1"], "sku": ["P1"], "quantity": [1.5]}
            ),
        },
        ("sales.parquet", 1, "quantity", "1.5", "must be a whole number"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_folder_that_breaks_a_rule_loads_nothing(case, empty_url, tmp_path):
    files, (file, line, column, value, rule) = CASES[case]
    report = _refuse(tmp_path / "folder", VALID | files, empty_url)
    near = [fault for fault in report.faults if (fault.file, fault.line, fault.column) == (file, line, column)]
    assert near, report.to_text()
    assert near[0].value == value
    assert rule in near[0].rule
    assert report.fault_count == 1, report.to_text()


def test_a_truncated_parquet_is_named(empty_url, tmp_path):
    rows = pl.DataFrame({"sold_on": ["2024-04-01"] * 9, "store_code": "S1", "sku": "P1", "quantity": range(9)})
    rows.write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    files = VALID | {"sales.csv": None, "sales.parquet": whole[: len(whole) // 2]}
    report = _refuse(tmp_path / "folder", files, empty_url)
    assert [fault.file for fault in report.faults] == ["sales.parquet"]
    assert "must be a whole Parquet file" in report.faults[0].rule


def test_damage_inside_a_parquet_is_named(empty_url, tmp_path):
    rows = pl.DataFrame({"sold_on": ["2024-04-01"] * 9000, "store_code": "S1", "sku": "P1", "quantity": range(9000)})
    rows.write_parquet(tmp_path / "whole.parquet", compression="zstd")
    whole = bytearray((tmp_path / "whole.parquet").read_bytes())
    whole[30 : len(whole) // 2] = b"\xff" * (len(whole) // 2 - 30)
    report = _refuse(tmp_path / "folder", VALID | {"sales.csv": None, "sales.parquet": bytes(whole)}, empty_url)
    assert {fault.file for fault in report.faults} == {"sales.parquet"}


def test_a_missing_folder_is_named(empty_url, tmp_path):
    with pytest.raises(InvalidFolder) as refused:
        import_folder(tmp_path / "nowhere", empty_url, reports=tmp_path / "reports")
    assert "does not exist" in refused.value.report.faults[0].rule


def test_every_fault_is_listed_and_the_first_twenty_of_a_kind_are_shown(empty_url, tmp_path):
    bad = "".join(f"2024-04-{day:02d},S9,P1,x\n" for day in range(1, 31))
    files = VALID | {"sales.csv": "sold_on,store_code,sku,quantity\n" + bad, "stock.csv": STOCK + "x,S1,P1,1\n"}
    report = _refuse(tmp_path / "folder", files, empty_url)
    counts = {(file, column): count for (file, column, _), count in report.fault_counts.items()}
    assert counts == {("sales.csv", "store_code"): 30, ("sales.csv", "quantity"): 30, ("stock.csv", "as_of"): 1}
    assert len(report.faults) == 41
    assert "61 faults." in report.to_text()


def test_lines_are_counted_as_an_editor_counts_them(empty_url, tmp_path):
    products = '\ufeffsku,name,category\r\nP1,"two\r\nlines",x\r\n\r\nP2,B,x\r\nP2,B,x\r\n'
    report = _refuse(tmp_path / "folder", VALID | {"products.csv": products}, empty_url)
    assert [(fault.line, fault.value) for fault in report.faults] == [(6, "P2")]


def test_many_ragged_rows_are_counted(empty_url, tmp_path):
    sales = "sold_on,store_code,sku,quantity\n" + "2024-04-01,S1,P1\n" * 50
    report = _refuse(tmp_path / "folder", VALID | {"sales.csv": sales}, empty_url)
    assert (report.fault_count, len(report.faults)) == (50, 20)


def test_the_report_of_a_refused_folder_is_written(empty_url, tmp_path):
    report = _refuse(tmp_path / "folder", VALID | {"stock.csv": STOCK + "2024-04-15,S1,P1,-1\n"}, empty_url)
    assert report.path is not None
    written = json.loads(report.path.read_text())
    assert written["faults"] == [
        {
            "file": "stock.csv",
            "line": 2,
            "column": "on_hand",
            "value": "-1",
            "rule": "must be a whole number, at least 0 and at most 2,147,483,647",
        }
    ]
    assert str(report.path.with_suffix(".txt")) in report.to_text()
    assert "stock.csv, line 2, column on_hand, value '-1'" in report.path.with_suffix(".txt").read_text()
