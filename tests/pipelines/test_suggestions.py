"""Suggestions in PostgreSQL: replaced and never added to, decided ones kept."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from api.database import create_engine
from api.publications import NeverPublished, current_publication, history, publication_of, publish, rollback
from api.suggestions import find_suggestion, list_suggestions, write_suggestions

if TYPE_CHECKING:
    from tests.conftest import Installation

DAY = dt.date(2024, 4, 15)
NEXT = DAY + dt.timedelta(days=7)
MASTERS = """
INSERT INTO stores (store_code, name) VALUES ('S1', 'One'), ('S2', 'Two');
INSERT INTO products (sku, name, category) VALUES
    ('A', 'a', 'frames'), ('B', 'b', 'lenses'), ('C', 'c', 'frames'), ('D', 'd', 'frames');
INSERT INTO vendors (vendor_code, name) VALUES ('V', 'v');
"""


def planned(store: str, sku: str, quantity: int, as_of: dt.date = DAY, priority: float = 1.0) -> dict[str, Any]:
    """One row of the plan frame."""
    return {
        "as_of": as_of,
        "store_code": store,
        "sku": sku,
        "vendor_code": "V",
        "on_hand": 1,
        "on_order": 0,
        "suggested_qty": quantity,
        "order_by": as_of,
        "arrives_on": as_of + dt.timedelta(days=10),
        "covers_until": as_of + dt.timedelta(days=17),
        "expected_demand": 3.5,
        "demand_p50": 3.0,
        "demand_p90": 6.0,
        "reason": "PROJECTED_STOCKOUT",
        "priority": priority,
        "receipt": json.dumps({"quantity": quantity}),
    }


@pytest.fixture
def connection(installation: Installation) -> Iterator[Connection]:
    """A connection to an installation with two stores and two products; each publish commits by itself."""
    engine = create_engine(installation.databases.operational)
    with engine.connect() as opened:
        opened.exec_driver_sql(MASTERS)
        opened.commit()
        yield opened
    engine.dispose()


def publish_plan(
    connection: Connection, snapshot: int, plan: list[dict[str, Any]], as_of: dt.date = DAY, is_running: bool = False
) -> int:
    """Publish a plan as the pipeline does: publication, pointer and suggestions in one transaction, after its run."""
    run = {"run_id": f"run {snapshot}", "as_of": as_of}
    if not is_running:
        connection.execute(text("INSERT INTO runs (run_id, as_of, state) VALUES (:run_id, :as_of, 'running')"), run)
        connection.commit()
    publication_id = publish(
        connection,
        run_id=f"run {snapshot}",
        snapshot_id=snapshot,
        as_of=as_of,
        data_as_of=as_of,
        fingerprint=str(snapshot),
        checks={"passed": 1},
        metric_version="m",
        notes=["a note"],
        moved_by="test",
    )
    write_suggestions(connection, plan, publication_id, as_of)
    connection.commit()
    return publication_id


def decide(connection: Connection, sku: str, state: str, quantity: int | None = None) -> None:
    """What a buyer does."""
    connection.execute(
        text(
            "UPDATE suggestions SET state = :state, approved_qty = :quantity, decided_at = now() FROM products "
            "WHERE products.product_id = suggestions.product_id AND sku = :sku AND state = 'proposed'"
        ),
        {"state": state, "quantity": quantity, "sku": sku},
    )
    connection.commit()


def address(connection: Connection) -> str:
    """The libpq URL of the connection."""
    return connection.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


def states(connection: Connection) -> list[tuple[str, int, str]]:
    """Every suggestion ever written: sku, quantity, state."""
    rows = connection.execute(
        text("SELECT sku, suggested_qty, state FROM suggestions JOIN products USING (product_id) ORDER BY 1, 2, 3")
    )
    return [tuple(row) for row in rows]


def test_a_second_run_replaces_what_is_proposed(connection: Connection) -> None:
    publish_plan(connection, 1, [planned("S1", "A", 5), planned("S1", "B", 0)])
    first = list_suggestions(connection, stores=None)[0]["suggestion_id"]
    publish_plan(connection, 2, [planned("S1", "A", 7)])
    assert states(connection) == [("A", 5, "expired"), ("A", 7, "proposed")]
    (row,) = list_suggestions(connection, stores=None)
    assert (row["suggested_qty"], row["replaces_id"]) == (7, first)
    assert row["expires_on"] == DAY + dt.timedelta(days=7)


def test_undecided_suggestions_expire_at_the_next_run(connection: Connection) -> None:
    publish_plan(connection, 1, [planned("S1", "A", 5), planned("S1", "B", 2)])
    decide(connection, "A", "approved")
    publish_plan(connection, 2, [], NEXT)
    assert states(connection) == [("A", 5, "approved"), ("B", 2, "expired")]
    assert list_suggestions(connection, stores=None) == []


def test_the_days_to_decide_are_the_chain_s_setting(connection: Connection) -> None:
    statement = "UPDATE chain_settings SET value = %s WHERE key = 'suggestion_days_to_decide'"
    for days in (7, 3):
        connection.exec_driver_sql(statement, (str(days),))
        publish_plan(connection, days, [planned("S1", "A", 5)])
        assert list_suggestions(connection, stores=None)[0]["expires_on"] == DAY + dt.timedelta(days=days)


def test_what_was_decided_for_the_day_is_not_proposed_on_top(connection: Connection) -> None:
    outcomes = {"A": "approved", "B": "refused", "C": "edited", "D": "ordered"}
    publish_plan(connection, 1, [planned("S1", sku, 5) for sku in outcomes])
    for sku, state in outcomes.items():
        decide(connection, sku, state)
    publish_plan(connection, 2, [planned("S1", sku, 9) for sku in outcomes] + [planned("S2", "A", 3)])
    assert states(connection) == [("A", 3, "proposed"), *((sku, 5, state) for sku, state in outcomes.items())]
    listed = {(row["store_code"], row["sku"], row["state"]) for row in list_suggestions(connection, stores=None)}
    assert listed == {("S2", "A", "proposed"), *(("S1", sku, state) for sku, state in outcomes.items())}


def test_what_is_approved_while_the_run_is_at_work_is_not_proposed_on_top(connection: Connection) -> None:
    publish_plan(connection, 1, [planned("S1", "A", 5), planned("S1", "B", 5)])
    run = {"run_id": "run 2", "as_of": NEXT}
    connection.execute(text("INSERT INTO runs (run_id, as_of, state) VALUES (:run_id, :as_of, 'running')"), run)
    connection.commit()
    decide(connection, "A", "approved")
    publish_plan(connection, 2, [planned("S1", "A", 7, NEXT), planned("S1", "B", 7, NEXT)], NEXT, is_running=True)
    assert states(connection) == [("A", 5, "approved"), ("B", 5, "expired"), ("B", 7, "proposed")]


def test_a_decided_suggestion_is_never_changed_by_a_run(connection: Connection) -> None:
    moved = {**planned("S2", "A", 3), "kind": "transfer", "source_store_code": "S1", "vendor_code": None}
    publish_plan(connection, 1, [planned("S1", "A", 5), planned("S1", "B", 4), moved])
    connection.execute(
        text(
            "UPDATE suggestions SET state = 'edited', approved_qty = 7, decided_qty = 9, decided_by = 'asha',"
            " decided_at = now(), decision_note = 'a wedding', decision_code = 'SEASON_UPLIFT' WHERE suggested_qty <> 4"
        )
    )
    connection.commit()
    kept = "SELECT * FROM suggestions WHERE decided_by = 'asha' ORDER BY suggestion_id"
    before = connection.execute(text(kept)).all()
    for number, day in ((2, DAY), (3, NEXT)):
        again = {**moved, "suggested_qty": 8, "as_of": day}
        publish_plan(connection, number, [planned("S1", "A", 6, day), planned("S1", "B", 6, day), again], day)
    assert len(before) == 2
    assert connection.execute(text(kept)).all() == before
    # what is open is of the last run alone, one of a kind for a store and product
    opened = text(
        "SELECT count(*), count(DISTINCT (store_id, product_id, kind)) FROM suggestions WHERE state = 'proposed'"
    )
    assert connection.execute(opened).one() == (3, 3)


STEP = st.fixed_dictionaries({"A": st.integers(0, 9), "B": st.integers(0, 9)}) | st.tuples(
    st.sampled_from("AB"), st.sampled_from(["approved", "refused"])
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_runs_and_decisions_of_a_day_never_add_quantity(connection: Connection, steps: list[Any]) -> None:
    connection.rollback()
    for table in ("suggestions", "publication_pointer", "publications", "runs"):
        connection.execute(text(f"DELETE FROM {table}"))
    connection.commit()
    expected: dict[str, tuple[int, str]] = {}
    for number, step in enumerate(steps):
        if isinstance(step, dict):
            publish_plan(connection, number, [planned("S1", sku, quantity) for sku, quantity in step.items()])
            kept = {sku: row for sku, row in expected.items() if row[1] != "proposed"}
            expected = {sku: (quantity, "proposed") for sku, quantity in step.items() if quantity} | kept
        else:
            decide(connection, *step)
            if expected.get(step[0], (0, ""))[1] == "proposed":
                expected[step[0]] = (expected[step[0]][0], step[1])
        live = [(sku, quantity, state) for sku, quantity, state in states(connection) if state != "expired"]
        assert sorted(live) == sorted((sku, *row) for sku, row in expected.items())


def test_listing_keeps_to_scope_and_filters(connection: Connection) -> None:
    plan = [planned("S1", "A", 5, priority=2), planned("S2", "A", 3, priority=9), planned("S2", "B", 4, priority=5)]
    publish_plan(connection, 1, plan)
    found = list_suggestions(connection, stores=None)
    assert [(row["store_code"], row["sku"]) for row in found] == [("S2", "A"), ("S2", "B"), ("S1", "A")]
    assert [row["sku"] for row in list_suggestions(connection, stores={"S2"}, category="lenses")] == ["B"]
    assert list_suggestions(connection, stores=set()) == []
    assert list_suggestions(connection, stores={"S1"}, store="S2") == []
    hidden = found[0]["suggestion_id"]
    assert find_suggestion(connection, hidden, stores={"S1"}) is None
    shown = find_suggestion(connection, hidden, stores={"S2"})
    assert shown is not None
    assert shown["receipt"] == {"quantity": 3}


def test_a_plan_for_an_unknown_sku_is_refused_whole(connection: Connection) -> None:
    with pytest.raises(ValueError, match="sku Z"):
        publish_plan(connection, 1, [planned("S1", "A", 5), planned("S1", "Z", 5)])
    connection.rollback()
    assert states(connection) == []
    assert current_publication(connection) is None


def test_rollback_serves_the_earlier_publication_and_its_suggestions(connection: Connection) -> None:
    publish_plan(connection, 11, [planned("S1", "A", 5), planned("S2", "A", 6)])
    publish_plan(connection, 12, [planned("S1", "A", 8), planned("S1", "B", 2)])
    decide(connection, "B", "approved")
    url = address(connection)
    connection.rollback()
    assert rollback(url, 11, "test").snapshot_id == 11
    current = current_publication(connection)
    assert current is not None
    assert (current.snapshot_id, current.notes) == (11, ["a note"])
    assert {(row["sku"], row["suggested_qty"], row["state"]) for row in list_suggestions(connection, stores=None)} == {
        ("A", 5, "proposed"),
        ("A", 6, "proposed"),
        ("B", 2, "approved"),
    }
    assert [row.snapshot_id for row in history(connection)] == [12, 11]
    newest = publication_of(connection, DAY)
    assert newest is not None
    assert newest.snapshot_id == 12


def test_rollback_to_an_unpublished_snapshot_is_refused(connection: Connection) -> None:
    publish_plan(connection, 11, [])
    url = address(connection)
    with pytest.raises(NeverPublished, match="Published: 11"):
        rollback(url, 10, "test")
    current = current_publication(url)
    assert current is not None
    assert current.snapshot_id == 11
