"""The nightly job over the operational database: passes on a sound one, fails on a broken one, and says where."""

from __future__ import annotations

import psycopg
import pytest

from api.services.audit import Event, record_now
from pipelines.definitions import build_definitions
from pipelines.instance import open_instance

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def run_job(installation):
    def run():
        job = build_definitions({"session": object()}).resolve_job_def("upkeep")
        with open_instance(installation.settings, installation.databases) as instance:
            return job.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)

    return run


def failures(result):
    return {event.step_key: str(event.event_specific_data) for event in result.all_events if event.is_step_failure}


def test_it_fails_on_what_does_not_add_up_and_does_the_rest(installation, run_job, load):
    url = installation.databases.operational
    load(url)
    with psycopg.connect(url) as connection:
        record_now(connection, [Event("order.confirmed", "sales_order", "1", username="asha")])
        connection.execute(
            "INSERT INTO customers (customer_code, full_name, created_at) VALUES ('OLD', 'Asha Rao', '2001-01-01')"
        )
    assert run_job().success
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT full_name FROM customers WHERE erased_at IS NOT NULL").fetchall() == [(None,)]
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE stock_balances SET on_hand = on_hand + 1 WHERE stock_balance_id = 1")
        connection.execute("UPDATE audit_log SET username = 'somebody else' WHERE username = 'asha'")
    found = failures(run_job())
    assert set(found) == {"check_invariants", "verify_audit"}
    assert "balances_equal_moves (1 rows)" in found["check_invariants"]
    assert "ims audit verify" in found["verify_audit"]
