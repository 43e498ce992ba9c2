"""The audit log as it is written: by one function, of known kinds, never changed, and without personal data."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from api.services.audit import Event, changes, record, record_now
from api.services.audit_integrity import verify
from api.services.audit_kinds import UnknownKind, kinds

EVENT = Event("order.confirmed", "order", "7", user_id=3, username="asha", after={"total": "2.00"})


@pytest.fixture
def connection(installation):
    with psycopg.connect(installation.databases.operational) as opened:
        yield opened


def test_time_comes_from_the_database_and_never_from_the_event(connection):
    forged = json.dumps([{"kind": "x", "severity": "info", "at": "2001-01-01", "chain_seq": 9, "hash": "\\x00"}])
    connection.execute("SELECT ims_record_audit(%s)", (forged,))
    (at, seq), *_ = connection.execute("SELECT at, chain_seq FROM audit_log").fetchall()
    assert abs(dt.datetime.now(dt.UTC) - at) < dt.timedelta(minutes=1)
    assert seq == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET kind = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE audit_log_default SET kind = 'x'",
        "DELETE FROM audit_log_default",
        "TRUNCATE audit_log_default",
    ],
)
def test_even_its_owner_is_refused_a_change(connection, statement):
    with pytest.raises(psycopg.errors.RaiseException, match="what happened is never changed"):
        connection.execute(statement)


def test_a_role_with_the_function_alone_can_add_and_nothing_else(connection):
    connection.execute("CREATE ROLE audit_writer")
    connection.execute("GRANT EXECUTE ON FUNCTION ims_record_audit TO audit_writer")
    connection.execute("SET ROLE audit_writer")
    record_now(connection, [EVENT])
    for statement in (
        "SELECT ims_append_audit('[]', now())",
        "INSERT INTO audit_log (at) VALUES (now())",
        "UPDATE audit_chains SET chain_seq = 0",
        "DELETE FROM audit_log",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(statement)
    connection.rollback()


def test_the_function_is_not_for_everybody(connection):
    connection.execute("CREATE ROLE audit_stranger")
    connection.execute("SET ROLE audit_stranger")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        record_now(connection, [EVENT])


def test_an_event_is_recorded_by_the_asynchronous_way_too(installation):
    async def work():
        async with await psycopg.AsyncConnection.connect(installation.databases.operational) as connection:
            await record(connection, [])
            await record(connection, [EVENT, Event("access.denied", address="unix:", user_agent="x" * 9000)])

    asyncio.run(work())
    with psycopg.connect(installation.databases.operational) as connection:
        rows = connection.execute("SELECT severity, address, length(user_agent) FROM audit_log ORDER BY chain_seq")
        assert rows.fetchall()[1] == ("warning", None, 500)


def test_an_unknown_kind_is_refused_at_once():
    with pytest.raises(UnknownKind, match=r"'order\.pondered' is no kind"):
        Event("order.pondered")


def test_the_registry_has_what_the_chain_needs():
    assert len(kinds()) >= 25
    assert {"sign-in", "users", "customers", "sales", "stock", "purchasing", "planning", "administration"} <= {
        kind.group for kind in kinds().values()
    }
    assert kinds()["payment.received"].is_money
    assert not kinds()["user.created"].is_money


def test_changes_are_the_members_that_differ():
    before = {"phone": "1", "city": "Pune", "tier": 1, "gone": 1}
    after = {"phone": "2", "city": "Pune", "tier": 2}
    assert changes(before, after, frozenset({"phone"})) == (
        {"phone": "…", "tier": 1, "gone": 1},
        {"phone": "…", "tier": 2},
    )


def test_what_is_recorded_of_a_customer_names_members_only(connection):
    row = {"customer_id": 5, "name": "Asha", "phone": "98765", "is_minor": False, "city": None, "purpose": "marketing"}
    record_now(connection, [Event("customer.changed", "customer", "5", before={"name": "Usha"}, after=row)])
    kept = connection.execute("SELECT before, after FROM audit_log").fetchone()
    hidden = {"customer_id": 5, "name": "…", "phone": "…", "is_minor": False, "city": None, "purpose": "marketing"}
    assert kept == ({"name": "…"}, hidden)


def test_the_application_may_read_the_log_and_add_to_it_by_the_function_alone(connection):
    connection.execute("SET ROLE ims_app")
    record_now(connection, [EVENT])
    for statement in (
        "INSERT INTO audit_log (at) VALUES (now())",
        "INSERT INTO audit_log_default (at) VALUES (now())",
        "UPDATE audit_log SET kind = 'x'",
        "UPDATE audit_log_default SET kind = 'x'",
        "UPDATE audit_chains SET chain_seq = 0",
        "INSERT INTO audit_anchors SELECT 0, 0, '', now(), now()",
        "DELETE FROM audit_log",
        "DELETE FROM audit_chains",
        "TRUNCATE audit_log",
        "SELECT ims_append_audit('[]', now())",
        "SELECT ims_make_partitions('audit_log', '2020-01-01', '2020-01-01')",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(statement)


def test_a_transaction_undone_leaves_no_event_and_no_gap(connection):
    record_now(connection, [EVENT])
    connection.rollback()
    record_now(connection, [EVENT])
    connection.commit()
    assert verify(connection, lambda *_: None).is_whole
    assert connection.execute("SELECT array_agg(chain_seq) FROM audit_log").fetchone() == ([1],)


def test_sixteen_writers_keep_every_chain(installation):
    url = installation.databases.operational

    def work(number):
        with psycopg.connect(url) as connection:
            for each in range(40):
                record_now(connection, [Event("stock.moved", "move", f"{number}-{each}")] * (1 + each % 3))
                connection.execute("SELECT pg_sleep(0.001)")
                connection.rollback() if each % 10 == 9 else connection.commit()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    with psycopg.connect(url) as connection:
        verdict = verify(connection, lambda *_: None)
        assert verdict.is_whole, verdict.found
        assert verdict.rows == 16 * sum(1 + each % 3 for each in range(40) if each % 10 != 9)
        # they spread over the chains in place of queueing for one
        assert sum(head.chain_seq > 0 for head in verdict.heads) > 4


def test_writers_do_not_wait_for_one_another(installation):
    url = installation.databases.operational
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        record_now(first, [EVENT])
        second.execute("SET statement_timeout = '2s'")
        record_now(second, [EVENT])
        second.commit()
        first.commit()
        assert verify(first, lambda *_: None).is_whole
