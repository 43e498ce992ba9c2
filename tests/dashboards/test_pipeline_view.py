"""Pipeline: how the last run ended, what is served, its steps as Dagster recorded them, and how old tables are."""

from __future__ import annotations

import datetime as dt
import json

import psycopg
import pytest

from api.pipeline_runs import freshness, run_tags, steps
from dashboards.runs.words import judge_age, spell_seconds
from tests.dashboards.tiles import values_on

# as Dagster's own migrations make them, so far as they are read
STORAGE = """
CREATE TABLE event_logs (id bigserial, run_id varchar, event text, dagster_event_type text, timestamp timestamp,
    step_key text, asset_key text);
CREATE TABLE run_tags (id bigserial, run_id varchar, key text, value text);
CREATE TABLE asset_keys (id bigserial, asset_key varchar, wipe_timestamp timestamp);
"""
BEGAN = dt.datetime(2026, 11, 24, 4, 30)


def entry(label: str, **data: object) -> dict[str, object]:
    return {"label": label, "entry_data": data}


def made(*entries: dict[str, object]) -> str:
    return json.dumps({"dagster_event": {"event_specific_data": {"materialization": {"metadata_entries": entries}}}})


@pytest.fixture
def recorded(world):
    """The world's run as Dagster recorded it: a table built, and a step that failed."""
    with psycopg.connect(world.installation.databases.operational) as connection:
        (run_id,) = connection.execute("SELECT run_id FROM runs").fetchone()
    told = made(entry("dagster/row_count", value=42), entry("built", text="parts"), entry("peak_memory_mb", value=512))
    key = '["marts", "dim_store"]'
    rows = [
        ("STEP_START", 0, "marts__dim_store", None, "{}"),
        ("ASSET_MATERIALIZATION", 2, "marts__dim_store", key, told),
        ("STEP_SUCCESS", 2.5, "marts__dim_store", None, "{}"),
        ("STEP_START", 3, "outputs__plan", None, "{}"),
        ("STEP_FAILURE", 4, "outputs__plan", None, "{}"),
    ]
    with psycopg.connect(world.installation.databases.dagster) as storage:
        storage.execute(STORAGE)
        for kind, after, step, asset, event in rows:
            storage.execute(
                "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key) "
                "VALUES ('d-1', %s, %s, %s, %s, %s)",
                (event, kind, BEGAN + dt.timedelta(seconds=after), step, asset),
            )
        storage.execute('INSERT INTO asset_keys (asset_key) VALUES (%s), (\'["raw", "stores"]\')', (key,))
        tags = {"ims/run_id": run_id, "ims/rows_read": "7", "ims/peak_memory_mb": "600"}
        for name, value in tags.items():
            storage.execute("INSERT INTO run_tags (run_id, key, value) VALUES ('d-1', %s, %s)", (name, value))
    return world, run_id


def test_a_run_tells_its_steps_and_tables_their_age(recorded, site) -> None:
    world, run_id = recorded
    with psycopg.connect(world.installation.databases.dagster) as storage:
        found = run_tags(storage, [run_id, "another"])
        built, failed = steps(storage, "d-1")
        ages = freshness(storage)
    assert found[run_id] == {"run_id": run_id, "dagster_run_id": "d-1", "rows_read": 7, "peak_memory_mb": 600}
    assert (built.name, built.seconds, built.built, built.rows, built.peak_memory_mb) == (
        "marts.dim_store", 2.5, "parts", 42, 512,
    )  # fmt: skip
    assert (failed.name, failed.began_seconds, failed.seconds, failed.is_failed) == ("outputs.plan", 3.0, 1.0, True)
    assert ages == {"marts.dim_store": (BEGAN + dt.timedelta(seconds=2)).replace(tzinfo=dt.UTC)}
    site.sign_in(world.installation, "admin")
    page = site.open_view(world.installation, "Pipeline")
    assert not page.exception
    assert "published snapshot" in page.success[0].value
    assert values_on(page)["Rows read"] == "7"
    assert page.get("plotly_chart")


def test_a_failed_run_says_what_it_said_and_nothing_of_it_is_markup(world, site) -> None:
    with psycopg.connect(world.installation.databases.operational) as connection:
        connection.execute(
            "INSERT INTO runs (run_id, as_of, state, message, started_at, finished_at) VALUES "
            "('z', '2026-11-24', 'failed', '![x](http://evil)', now() + interval '1 second', now())"
        )
    site.sign_in(world.installation, "analyst")
    page = site.open_view(world.installation, "Pipeline")
    assert not page.exception
    assert "![x]" not in page.error[0].value
    assert "evil" in page.error[0].value


def test_words_of_durations_and_ages() -> None:
    assert [spell_seconds(each) for each in (0.4, 42, 185, 4320)] == ["0.4 s", "42 s", "3 min 05 s", "1 h 12 min"]
    now = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    assert [judge_age(now - dt.timedelta(days=days), now) for days in (1, 3, 9)] == ["Fresh", "Late", "Too old"]
