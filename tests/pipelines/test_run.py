"""The whole job: publishes once, then nothing; a blocked or failed run leaves what is served as it was."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import psycopg
import pytest
from dagster import DagsterEventType

from api.findings import failed_rows, newest_results
from api.publications import current_publication
from api.suggestions import list_suggestions
from ims.postgres import connect_databases, stop_server
from ims.settings import get_settings
from pipelines.definitions import build_definitions, own_session
from pipelines.instance import open_instance
from pipelines.run import run
from warehouse.lake import connect, current_snapshot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
DAY = dt.date(2024, 4, 15)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# one product under two spellings
DOUBLE = "INSERT INTO products (sku, name, category) VALUES (' a', 'A again', 'frames')"
UNDOUBLE = "DELETE FROM products WHERE sku = ' a'"


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def served(url: str) -> tuple[int, list[tuple[int, str, int]]]:
    """What people see: the published snapshot, and each suggestion with its state and quantity."""
    current = current_publication(url)
    assert current is not None
    rows = list_suggestions(url, stores=None)
    return current.snapshot_id, sorted((row["suggestion_id"], row["state"], row["suggested_qty"]) for row in rows)


def newest_snapshot(installation) -> int:
    con = connect(installation.databases, installation.settings, read_only=True)
    try:
        return current_snapshot(con)
    finally:
        con.close()


def test_a_run_publishes_once_and_a_blocked_one_changes_nothing(installation, load):
    url = installation.databases.operational
    load(url)
    steps: list[str] = []
    first = run(None, lambda step, done, total: steps.append(step))
    assert (first.state, first.as_of, first.failed_checks) == ("published", DAY, [])
    snapshot, suggestions = served(url)
    assert first.snapshot_id == snapshot == newest_snapshot(installation)
    assert first.suggestions == len(suggestions) > 0
    assert {"build tables", "forecast weekly", "plan", "publish"} <= set(steps)

    said: list[str] = []
    other = psycopg.connect(url)
    other.execute("SELECT pg_advisory_lock(hashtext('ims run'))")
    threading.Timer(1.0, other.close).start()
    again = run(DAY, lambda step, done, total: said.append(step))
    assert said[0] == "waiting for another run to end"
    assert (again.state, again.snapshot_id) == ("unchanged", snapshot)
    assert "Nothing has changed" in again.message
    assert served(url) == (snapshot, suggestions)
    assert newest_snapshot(installation) == snapshot

    # the schedule and the Dagster UI run the same job with a session of its own
    scheduled = build_definitions({"session": own_session}).resolve_job_def("main")
    with open_instance(installation.settings, installation.databases) as instance:
        assert scheduled.execute_in_process(instance=instance, run_config=QUIET).success
        assert instance.get_runs_count() == 2
    assert newest_snapshot(installation) == snapshot

    execute(url, DOUBLE)
    blocked = run(DAY)
    assert blocked.state == "blocked"
    assert newest_run()[1] == 0, "a failed check is not tried again"
    assert [(result.table, result.check) for result in blocked.failed_checks] == [
        ("raw.products", "sku_is_unique_however_it_is_written")
    ]
    assert "raw.products: sku_is_unique_however_it_is_written (1 rows)" in blocked.message
    assert "'written': ' a | A'" in blocked.message
    with psycopg.connect(url) as connection:
        found = newest_results(connection)
        assert found is not None
        (kept,) = [row for row in found.results if row["state"] == "failed" and row["severity"] == "blocking"]
        assert (found.state, failed_rows(connection, kept["check_result_id"])[0][0]["product_count"]) == ("blocked", 2)
    assert served(url) == (snapshot, suggestions)

    execute(url, UNDOUBLE)
    execute(url, f"UPDATE suggestions SET state = 'approved' WHERE suggestion_id = {suggestions[0][0]}")
    mended = run(DAY)
    assert mended.state == "published", mended.message
    later, after = served(url)
    assert later > snapshot
    assert (suggestions[0][0], "approved", suggestions[0][2]) in after
    assert len(after) <= len(suggestions)
    con = connect(installation.databases, installation.settings, snapshot=later)
    (on_order,) = con.execute("SELECT sum(on_order_qty) FROM lake.marts.fct_inventory_position").fetchone()
    con.close()
    assert on_order == suggestions[0][2]
    with psycopg.connect(url) as connection:
        states = connection.execute("SELECT state FROM runs ORDER BY started_at").fetchall()
    assert [state for (state,) in states] == ["published", "unchanged", "unchanged", "blocked", "published"]


def test_a_chain_without_stock_gets_forecasts_and_the_reason(installation, load):
    load(installation.databases.operational, with_supply=False)
    outcome = run(DAY + dt.timedelta(days=3))
    assert (outcome.state, outcome.suggestions) == ("published", 0)
    assert any("no stock and no supply terms" in note for note in outcome.notes)
    assert any("complete up to the opening of 2024-04-15" in note for note in outcome.notes)
    con = connect(installation.databases, installation.settings, snapshot=outcome.snapshot_id)
    pairs, first, weeks = con.execute(
        "SELECT count(DISTINCT (store_code, sku)), min(week_starting_on), count(DISTINCT week_starting_on) "
        "FROM lake.outputs.forecast_weekly"
    ).fetchone()
    con.close()
    assert (pairs, first) == (8, DAY)
    assert weeks >= 14


def test_without_a_chain_the_run_says_what_to_do(installation):
    outcome = run(None)
    assert outcome.state == "failed"
    assert "ims import DIR" in outcome.message


def test_a_second_run_waits_and_then_says_why_not(installation, load):
    url = installation.databases.operational
    load(url)
    said: list[str] = []
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('ims run'))")
        outcome = run(DAY, lambda step, done, total: said.append(step), wait_seconds=0.2)
    assert outcome.state == "failed"
    assert outcome.message.startswith("Another run is still at work")
    assert said
    assert set(said) == {"waiting for another run to end"}


@pytest.fixture
def own_server(tmp_path, monkeypatch) -> Iterator[str]:
    """An installation with a PostgreSQL of its own, which a test may stop."""
    for name in ("IMS_DATABASE_URL", "IMS_LAKE_DATABASE_URL", "IMS_DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("IMS_HOME", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield connect_databases(get_settings()).operational
    stop_server(get_settings())
    get_settings.cache_clear()


def test_postgres_stopped_mid_run_is_said_and_the_next_run_completes(own_server, load):
    from api.database import migrate

    migrate(own_server)
    load(own_server)

    def stop(step: str, done: int, total: int | None) -> None:
        if step == "forecast weekly" and done == 0:
            stop_server(get_settings())

    outcome = run(DAY, stop)
    assert outcome.state == "failed"
    assert outcome.message.startswith("PostgreSQL stopped answering during forecast weekly; what was published")
    assert "Traceback" not in outcome.message
    assert run(DAY).state == "published"


def newest_run() -> tuple[dict[str, str], int]:
    """The tags of the newest run, as the Dagster UI shows them, and how many of its steps were begun again."""
    settings = get_settings()
    with open_instance(settings, connect_databases(settings)) as instance:
        (record,) = instance.get_run_records(limit=1)
        again = instance.all_logs(record.dagster_run.run_id, of_type=DagsterEventType.STEP_UP_FOR_RETRY)
        return dict(record.dagster_run.tags), len(again)


def test_a_restart_of_postgres_is_lived_through_and_a_defect_is_not_tried_again(own_server, load):
    from api.database import migrate

    migrate(own_server)
    load(own_server)
    extracted: list[int] = []

    def restart(step: str, done: int, total: int | None) -> None:
        if step == "extract":
            extracted.append(done)
            if len(extracted) == 9:
                stop_server(get_settings())
                connect_databases(get_settings())

    outcome = run(DAY, restart)
    assert (outcome.state, outcome.failed_checks) == ("published", []), outcome.message
    assert extracted.count(0) == 2, "the extract was begun again"
    tags, retries = newest_run()
    assert retries == 1
    assert float(tags["ims/seconds"]) > 0
    assert int(tags["ims/rows_read"]) > 100
    assert int(tags["ims/peak_memory_mb"]) > 50

    def break_down(*given: object) -> None:
        raise ZeroDivisionError("a defect")

    tried: list[str] = []
    execute(own_server, "UPDATE daily_sales SET sold_qty = sold_qty + 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.assets.tables.build_with", lambda *given: tried.append(given[1]) or break_down())
        outcome = run(DAY)
    assert outcome.state == "failed"
    assert tried
    assert len(tried) == len(set(tried)), "no table was tried again"
    assert "unexpected ZeroDivisionError" in outcome.message
    assert newest_run()[1] == 0
