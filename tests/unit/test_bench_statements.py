"""A recorded journey as a script of pgbench: what the database gave is passed on, not repeated."""

from __future__ import annotations

from typing import Any

from ims.bench.plan import Kind
from ims.bench.recording import Recorded, Statement
from ims.bench.statements import Writer

INSERT = "INSERT INTO orders (store) VALUES (%(store)s) RETURNING order_id"
LINES = "SELECT line_id, quantity FROM lines WHERE order_id = %(order)s ORDER BY line_id"
PRICE = "UPDATE lines SET net = 1 WHERE line_id = ANY(%(ids)s)"


def script(method: str, *statements: Statement, **drawn: Any) -> list[str]:
    kind = Kind("draft", 1, method, "/x", ["a"])
    recorded = Recorded(kind, {"key": "recorded-1", **drawn}, list(statements), {})
    return Writer({"store": (7_000_000_001, 7_000_000_009)}, None).write("draft", 1, [recorded]).text.splitlines()


def lines_of_an_order() -> list[Statement]:
    rows = [{"line_id": 9_000_000_001, "quantity": 1}, {"line_id": 9_000_000_002, "quantity": 2}]
    return [
        Statement(LINES, {"order": 8_000_000_001}, 2, rows),
        Statement(PRICE, {"ids": [9_000_000_001, 9_000_000_002]}),
    ]


def test_a_key_that_the_database_gave_is_passed_on():
    order = Statement(INSERT, {"store": 7_000_000_001}, 1, [{"order_id": 8_000_000_001}])
    text = script("POST", order, *lines_of_an_order(), store=7_000_000_001)
    assert r"\set r0_store random(7000000001, 7000000009)" in text
    assert text[text.index("BEGIN;") + 1 :][:2] == [
        "INSERT INTO orders (store) VALUES (:r0_store::int8) RETURNING order_id",
        r"\gset g0_",
    ]


def test_so_are_those_of_several_rows_of_a_write():
    """A line's key repeated as it was recorded is another order's line once two clients draft at a time."""
    text = script("POST", *lines_of_an_order())
    assert text[-4:] == [
        "WITH found AS (SELECT line_id, quantity FROM lines WHERE order_id = '8000000001'::int8 ORDER BY line_id)"
        " SELECT (array_agg(found.line_id))[1] AS line_id__row1, (array_agg(found.line_id))[2] AS line_id__row2"
        " FROM found",
        r"\gset g0_",
        "UPDATE lines SET net = 1 WHERE line_id = ANY(('{' || :g0_line_id__row1::text || ',' ||"
        " :g0_line_id__row2::text || '}')::int8[]);",
        "COMMIT;",
    ]


def test_a_read_repeats_them_in_one_pipeline():
    assert script("GET", *lines_of_an_order())[1:] == [
        r"\startpipeline",
        "SELECT line_id, quantity FROM lines WHERE order_id = '8000000001'::int8 ORDER BY line_id;",
        "UPDATE lines SET net = 1 WHERE line_id = ANY('{9000000001,9000000002}'::int8[]);",
        r"\endpipeline",
    ]
