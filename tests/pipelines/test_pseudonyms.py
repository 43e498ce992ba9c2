"""No person gets into the warehouse: pseudonyms by key, the same every run, others under another key."""

from __future__ import annotations

import hashlib
import hmac

import psycopg
import pytest

from api.identity.keys import load_pseudonym_key
from api.schema.customers import PERSONAL
from api.services.privacy_erasure import FREE_TEXTS
from api.services.privacy_pseudonyms import name_key, pads, pseudonym
from ims.postgres import Databases
from pipelines.extract import extract
from pipelines.pseudonyms import expression, key_at_hand
from warehouse.contracts import Column, contract, contracts
from warehouse.lake import connect

KEY, OTHER = b"k" * 48, b"another key".ljust(80, b"x")
CODES = ("C-1", "Åsa Öberg 070-1234567", "O'Neil", "")


@pytest.fixture
def lake(installation):
    """The lake of an installation with a chain, customers and a payment."""
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(
            "INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)"
            " VALUES ('c', 'EUR', 'UTC', '2024-05-15', 'day', 'lost')"
        )
        connection.execute("INSERT INTO stores (store_code, name) VALUES ('S', 's')")
        for code in CODES:
            connection.execute("INSERT INTO customers (customer_code, full_name) VALUES (%s, 'A Person')", [code])
        connection.execute(
            "INSERT INTO sales_orders (order_ref, store_id, ordered_on) SELECT 'o', store_id, '2024-05-01' FROM stores"
        )
        connection.execute(
            "INSERT INTO payments (sales_order_id, method, amount, reference, received_at)"
            " SELECT sales_order_id, m, 1, r, now()"
            " FROM sales_orders, (VALUES ('upi', '412345678901'), ('cash', NULL)) AS p (m, r)"
        )
    opened = connect(installation.databases, installation.settings)
    yield opened
    opened.close()


def codes(lake) -> dict[int, str]:
    return dict(lake.execute("SELECT customer_id, customer_code FROM lake.raw.customers ORDER BY 1").fetchall())


def expected(column: str, value: str, key: bytes) -> str:
    return hmac.new(key, f"{column}:{value}".encode(), hashlib.sha256).hexdigest()[:32]


def test_no_personal_column_comes_over_plain() -> None:
    found = {}
    for table in contracts("raw"):
        personal = {*PERSONAL.get(table.table, ()), *FREE_TEXTS.get(table.table, ())}
        for column in table.columns:
            if column.name in personal:
                found[table.table, column.name] = column.pseudonym
    assert found == {("customers", "customer_code"): True, ("customers", "mobile"): True}
    # nor is there a column of such a name in any other table of the lake
    names = {name for columns in PERSONAL.values() for name in columns} - {"city"}  # of a store it names nobody
    for table in contracts():
        for column in table.columns:
            assert column.name not in names or column.pseudonym, f"{table.name}.{column.name}"


def test_a_reference_of_a_payment_is_a_pseudonym_too() -> None:
    assert [c.name for c in contract("raw.payments").columns if c.pseudonym] == ["reference"]
    with pytest.raises(ValueError, match="VARCHAR"):
        Column("x", "BIGINT", "x", pseudonym=True)


def test_duckdb_computes_what_the_standard_library_does(installation) -> None:
    import duckdb

    con = duckdb.connect()
    for key in (KEY, OTHER):
        assert pads(key) != (key, key)
        with key_at_hand(con, key):
            for code in CODES:
                row = con.execute(f"SELECT {expression('customer_code')} FROM (SELECT ? AS customer_code)", [code])
                assert (
                    row.fetchone()
                    == (expected("customer_code", code, key),)
                    == (pseudonym("customer_code", code, key),)
                )
            null = con.execute(f"SELECT {expression('x')} FROM (SELECT NULL::VARCHAR AS x)").fetchone()
            assert null == (None,)
    gone = con.execute(f"SELECT {expression('x')} FROM (SELECT 'a' AS x)").fetchone()
    assert gone == (None,)
    assert pseudonym("a", "b") == expected("a", "b", load_pseudonym_key(installation.settings))


def test_the_lake_holds_pseudonyms_full_and_incremental(lake, installation) -> None:
    databases: Databases = installation.databases
    assert extract(lake, databases, key=KEY).is_full
    before = codes(lake)
    assert list(before.values()) == [expected("customer_code", code, KEY) for code in CODES]
    references = lake.execute("SELECT reference FROM lake.raw.payments ORDER BY 1 NULLS LAST").fetchall()
    assert references == [(expected("reference", "412345678901", KEY),), (None,)]

    with psycopg.connect(databases.operational) as connection:
        connection.execute("INSERT INTO customers (customer_code) VALUES ('late')")
        connection.execute("UPDATE customers SET city = 'Pune' WHERE customer_code = 'C-1'")
        connection.execute(
            "UPDATE customers SET full_name = NULL, city = NULL, customer_code = 'erased-1', pseudonym = 'erased-1',"
            " erased_at = now() WHERE customer_code LIKE 'Åsa%'"
        )
    again = extract(lake, databases, key=KEY)
    assert (again.is_full, again.changes) == (False, {"customers": (3, 0)})
    after = codes(lake)
    erased = [key for key, name in before.items() if name == expected("customer_code", CODES[1], KEY)]
    assert [after[key] for key in erased] == [expected("customer_code", "erased-1", KEY)]
    assert {key: name for key, name in after.items() if key in before and key not in erased} == {
        key: name for key, name in before.items() if key not in erased
    }
    assert expected("customer_code", "late", KEY) in after.values()
    assert extract(lake, databases, key=KEY).changes == {}


def test_another_key_gives_everybody_another_pseudonym(lake, installation) -> None:
    extract(lake, installation.databases, key=KEY)
    before = codes(lake)
    assert extract(lake, installation.databases, key=OTHER).is_full
    after = codes(lake)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    source = lake.execute("SELECT source FROM lake.raw.extract_state").fetchone()[0]
    assert source.endswith(name_key(OTHER))


def test_neither_key_nor_person_is_in_any_file_of_the_lake(lake, installation) -> None:
    extract(lake, installation.databases)
    key = load_pseudonym_key(installation.settings)
    files = [path for path in (installation.home / "lake").rglob("*") if path.is_file()]
    assert files
    dump = lake.execute("SELECT * FROM lake.raw.customers").fetchall()
    for secret in (key, b"Oberg", b"A Person", "Åsa".encode(), b"412345678901", b"C-1"):
        assert not [path for path in files if secret in path.read_bytes()]
        assert secret.decode() not in repr(dump)
    with psycopg.connect(installation.databases.lake) as catalog:
        tables = catalog.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            text = repr(catalog.execute(f'SELECT t::text FROM "{table}" AS t').fetchall())
            assert key.decode() not in text
            assert "412345678901" not in text


def test_of_a_birth_only_the_year_comes_over(lake, installation) -> None:
    born = "INSERT INTO patients (customer_id, full_name, born_on) SELECT min(customer_id), 'A', %s FROM customers"
    years = "SELECT birth_year FROM lake.raw.patients ORDER BY ALL"
    with psycopg.connect(installation.databases.operational, autocommit=True) as connection:
        connection.execute(born, ["1953-02-17"])
        assert extract(lake, installation.databases).is_full
        assert lake.execute(years).fetchall() == [(1953,)]
        connection.execute(born, [None])
        assert extract(lake, installation.databases).changes == {"patients": (1, 0)}
    assert lake.execute(years).fetchall() == [(1953,), (None,)]
