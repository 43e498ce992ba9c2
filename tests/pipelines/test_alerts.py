"""Alerts in PostgreSQL: so many of a store and day are listed, a second run adds none, what is settled stays so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from api.alerts import list_alerts, total_alerts, write_alerts
from api.database import create_engine
from api.publications import publish, rollback

if TYPE_CHECKING:
    from tests.conftest import Installation

DAY = dt.date(2024, 4, 15)
NEXT = DAY + dt.timedelta(days=1)
MASTERS = """
INSERT INTO stores (store_code, name) VALUES ('S1', 'One'), ('S2', 'Two');
INSERT INTO users (username, password_hash) VALUES ('ana', '-');
UPDATE chain_settings SET value = '2' WHERE key = 'alerts_per_store_day';
"""


def raised(store: str | None, subject: str, amount: int, rank: int, first_on: dt.date = DAY) -> dict[str, Any]:
    """One row of outputs.alerts."""
    return {
        "alert_ref": f"STOCK_OUT_AHEAD:{store}:{subject}:{first_on}",
        "kind": "STOCK_OUT_AHEAD",
        "store_code": store,
        "subject": subject,
        "title": f"Runs out: {subject}",
        "detail": "d",
        "severity": "warn",
        "at_stake_amount": amount,
        "first_on": first_on,
        "rank_in_store": rank,
        "view": "item",
        "filters": '{"sku": "A"}',
    }


FOUR = [raised("S1", sku, 40 - 10 * number, number + 1) for number, sku in enumerate("ABCD")]


@pytest.fixture
def connection(installation: Installation) -> Iterator[Connection]:
    """An installation with two stores, of which each is shown two alerts a day."""
    engine = create_engine(installation.databases.operational)
    with engine.connect() as opened:
        opened.exec_driver_sql(MASTERS)
        opened.commit()
        yield opened
    engine.dispose()


def raise_all(connection: Connection, snapshot: int, rows: list[dict[str, Any]], day: dt.date = DAY) -> int:
    """Publish alerts as the pipeline does; how many are listed."""
    run = {"run_id": f"run {snapshot}", "as_of": day}
    connection.execute(text("INSERT INTO runs (run_id, as_of, state) VALUES (:run_id, :as_of, 'running')"), run)
    publication_id = publish(
        connection, run_id=f"run {snapshot}", snapshot_id=snapshot, as_of=day, data_as_of=day,
        fingerprint=str(snapshot), checks={}, metric_version="1", notes=[], moved_by="test",
    )  # fmt: skip
    listed = write_alerts(connection, rows, publication_id, day)
    connection.commit()
    return listed


def settle(connection: Connection, ref: str, action: str = "acted", until_on: dt.date | None = None) -> None:
    connection.execute(
        text(
            "INSERT INTO alert_actions (alert_ref, kind, store_id, action, until_on, reason, acted_by)"
            " SELECT alert_ref, kind, store_id, :action, :until_on, 'r', u.user_id FROM alerts, users AS u"
            " WHERE alert_ref = :ref LIMIT 1"
        ),
        {"action": action, "until_on": until_on, "ref": ref},
    )
    connection.commit()


def shown(connection: Connection, stores: set[str] | None = None, **chosen: Any) -> list[str]:
    today = dt.datetime.now(dt.UTC).date()
    driver = connection.connection.driver_connection
    rows = list_alerts(driver, today, stores=stores, **{"state": None, **chosen})
    connection.commit()
    return [row["subject"] for row in rows]


def test_a_store_is_shown_so_many_of_a_day_the_dearest_and_the_rest_is_counted(connection) -> None:
    of_another = [raised("S2", "A", 5, 1), raised(None, "c / smooth", 7, 1)]
    assert raise_all(connection, 1, FOUR + of_another) == 4
    assert shown(connection) == ["A", "B", "c / smooth", "A"]
    assert shown(connection, {"S1"}) == ["A", "B"]
    assert shown(connection, {"S1"}, is_listed=False) == ["C", "D"]
    (totals,) = total_alerts(connection.connection.driver_connection, DAY, DAY, stores={"S1"})
    assert (totals.open_count, int(totals.open_amount), totals.beyond_count, totals.shown_count) == (2, 70, 2, 2)


def test_a_second_run_of_a_day_shows_the_same_and_what_was_settled_is_not_replaced(connection) -> None:
    raise_all(connection, 1, FOUR)
    settle(connection, FOUR[0]["alert_ref"])
    assert raise_all(connection, 2, FOUR) == 2
    assert shown(connection) == ["A", "B"]
    assert shown(connection, state="acted") == ["A"]
    assert shown(connection, state="open") == ["B"]


def test_the_next_day_the_next_takes_the_place_of_what_was_settled(connection) -> None:
    raise_all(connection, 1, FOUR)
    settle(connection, FOUR[0]["alert_ref"])
    settle(connection, FOUR[1]["alert_ref"], "snoozed", dt.date(2200, 1, 1))
    assert raise_all(connection, 2, FOUR, NEXT) == 2
    assert shown(connection) == ["C", "D"]
    assert shown(connection, is_listed=False) == ["A", "B"]
    (totals,) = total_alerts(connection.connection.driver_connection, NEXT, NEXT, stores=None)
    assert (totals.beyond_count, totals.shown_count, totals.acted_count, totals.snoozed_count) == (0, 4, 1, 1)


def test_what_was_snoozed_until_a_day_is_back_on_it(connection) -> None:
    raise_all(connection, 1, FOUR[:1])
    settle(connection, FOUR[0]["alert_ref"], "snoozed", NEXT)
    assert raise_all(connection, 2, FOUR[:1], NEXT) == 1
    assert shown(connection, state="open") == ["A"]


def test_going_back_shows_what_was_raised_then(connection, installation) -> None:
    raise_all(connection, 1, FOUR[:1])
    raise_all(connection, 2, FOUR[1:], NEXT)
    rollback(installation.databases.operational, 1, "test")
    assert shown(connection) == ["A"]


def test_an_alert_of_an_unknown_store_is_refused(connection) -> None:
    with pytest.raises(ValueError, match="S9"):
        raise_all(connection, 1, [raised("S9", "A", 1, 1)])


@given(
    amounts=st.lists(st.integers(0, 50), max_size=6),
    settled=st.lists(st.integers(0, 5), max_size=3),
    runs=st.integers(1, 3),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_raised_a_run_again_adds_nothing_and_no_day_shows_more_than_its_number(
    connection, amounts: list[int], settled: list[int], runs: int
) -> None:
    connection.execute(
        text("ALTER TABLE alert_actions DISABLE TRIGGER append_only; DELETE FROM alert_actions; DELETE FROM alerts;"
             " DELETE FROM publication_pointer; DELETE FROM publications; DELETE FROM runs")
    )  # fmt: skip
    connection.commit()
    dearest = sorted(amounts, reverse=True)
    rows = [raised("S1", f"P{number}", amount, number + 1) for number, amount in enumerate(dearest)]
    assert raise_all(connection, 1, rows) == min(len(rows), 2)
    first = shown(connection)
    for number in settled:
        if number < len(rows):
            settle(connection, rows[number]["alert_ref"])
    for again in range(runs):
        assert raise_all(connection, 2 + again, rows) <= 2
        assert shown(connection) == first
    refs = connection.execute(text("SELECT count(DISTINCT alert_ref) FROM alerts")).scalar_one()
    connection.commit()
    assert refs == len(rows)
