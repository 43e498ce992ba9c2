"""A run killed at any point changes nothing of what people see, and the next run completes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psycopg
import pytest

from api.publications import current_publication
from api.suggestions import list_suggestions
from pipelines.run import run

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]
RUN = "from pipelines.run import run; print(run(None, lambda *step: print(*step, flush=True)).message, flush=True)"
# a step as the run reports it, and how long after it the process is killed
POINTS = {"extract 9": 0.0, "build tables 11": 0.05, "publish 0": 0.02}


def served(url: str) -> tuple[object, list[dict[str, object]]]:
    """The passport of what is served and its suggestions, every column."""
    return current_publication(url), list_suggestions(url, stores=None)


def kill_at(point: str, delay: float) -> None:
    """Start a run as a process and kill it when it reports the point."""
    process = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(point):
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait(timeout=60) == -signal.SIGKILL, "".join(said)


def test_a_killed_run_leaves_what_is_served(installation, load):
    url = installation.databases.operational
    load(url)
    assert run(None).state == "published"
    before = served(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE daily_sales SET sold_qty = sold_qty + 1")
    for point, delay in POINTS.items():
        kill_at(point, delay)
        assert served(url) == before, point
    outcome = run(None)
    assert outcome.state == "published", outcome.message
    after, suggestions = served(url)
    assert after.snapshot_id == outcome.snapshot_id > before[0].snapshot_id
    assert suggestions
    with psycopg.connect(url) as connection:
        ended = connection.execute("SELECT state, count(*) FROM runs GROUP BY state ORDER BY state").fetchall()
    assert ended == [("failed", len(POINTS)), ("published", 2)]
