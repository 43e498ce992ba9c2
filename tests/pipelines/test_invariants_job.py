"""The nightly job over the operational database's invariants: passes on a sound one, fails on a broken one."""

from __future__ import annotations

import psycopg
import pytest

from pipelines.definitions import build_definitions
from pipelines.instance import open_instance

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def run_job(installation):
    def run():
        job = build_definitions({"session": object()}).resolve_job_def("invariants")
        with open_instance(installation.settings, installation.databases) as instance:
            return job.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET)

    return run


def test_it_fails_on_a_ledger_that_does_not_add_up(installation, run_job, load):
    load(installation.databases.operational)
    assert run_job().success
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE stock_balances SET on_hand = on_hand + 1 WHERE stock_balance_id = 1")
    result = run_job()
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "balances_equal_moves (1 rows)" in str(failure.event_specific_data)
