"""`ims bench api` and `ims bench queries` at their smallest: they run, count, and leave a sound ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ims.bench.histogram import Histogram
from ims.bench.mix import KINDS
from ims.bench.plan import Kind, Outcome, Plan, journeys
from ims.bench.process import idle_server, run_load

pytestmark = pytest.mark.e2e


def bench(tmp_path: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    path = tmp_path / "results.json"
    command = [sys.executable, "-m", "ims.cli", "bench", *arguments, "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert path.exists(), done.stderr
    return done.returncode, done.stdout, json.loads(path.read_text())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_api_under_a_short_load(tmp_path: Path) -> None:
    options = ("--seconds", "2", "--connections", "1,4", "--hold", "50", "--rate", "20", "--profile")
    code, words, found = bench(tmp_path, "api", *options)
    assert code == 0
    closed = found["loads"][:2]
    assert [load["connections"] for load in closed] == [1, 4]
    for load in found["loads"]:
        assert load["failures"] == {}
        assert load["requests_per_second"] > 0
        assert load["p50_ms"] <= load["p95_ms"] <= load["p99_ms"] <= load["max_ms"]
    assert all(load["limit_per_second"] > 0 for load in closed)
    assert found["hold"]["held"] == 50
    assert found["hold"]["failures"] == {}
    assert found["sound"] == {"invariants": True, "audit verify": True}
    assert "psycopg" in found["profile"]["layers"]
    # the shares of the mix hold, however short the load
    sent = {name: sum(load["kinds"][name]["requests"] for load in closed) for name in closed[0]["kinds"]}
    assert sent["an order"] > sent["stores"]
    assert "draft an order" in words


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_queries_of_a_small_chain(tmp_path: Path) -> None:
    code, words, found = bench(tmp_path, "queries", "--orders", "1000", "--times", "20")
    assert code == (0 if all(row["passes"] for row in found["queries"]) else 1)
    assert found["lines"] > 2 * found["orders"]
    names = {row["name"] for row in found["queries"]}
    assert {"an order with lines and payments", "customers by a part"} <= names
    for row in found["queries"]:
        assert row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
        assert row["passes"] == (row["p95_ms"] <= row["limit_ms"])
        assert row["name"] in words


def plan(port: int, **how: Any) -> Plan:
    kinds = [Kind("read", 4, "GET", "/x/{n}", ["a"]), Kind("write", 1, "POST", "/x", ["a"], '{"n":{n}}')]
    return Plan("127.0.0.1", port, kinds, {"n": [1, 2]}, {"a": "token"}, **how)


def test_the_load_client_keeps_the_mix_and_the_rate() -> None:
    with idle_server() as port:
        closed = run_load(plan(port, connections=4, seconds=1.0))
        paced = run_load(plan(port, connections=4, seconds=2.0, rate=200))
    assert closed.failures == paced.failures == {}
    share = closed.latencies["write"].total / closed.requests
    assert 0.19 < share < 0.21
    assert 380 <= paced.requests <= 401


def test_what_is_not_answered_as_expected_is_counted_not_averaged() -> None:
    with idle_server() as port:
        wrong = Plan("127.0.0.1", port, [Kind("made", 1, "GET", "/", ["a"], status=(201,))], {}, {"a": "t"}, 2, 0.3)
        found = run_load(wrong)
        silent = run_load(Plan("127.0.0.1", 1, [Kind("read", 1, "GET", "/", ["a"])], {}, {"a": "t"}, 2, 0.1))
    assert found.requests == 0
    assert found.failures["made 200"] == found.errors > 0
    assert silent.failures == {"not connected": 2}


def test_a_late_answer_of_an_open_loop_counts_from_when_it_was_due() -> None:
    with idle_server() as port:
        # one connection cannot keep this rate, so requests queue: their wait is part of their latency
        found = run_load(plan(port, connections=1, seconds=0.2, rate=100_000))
        impatient = run_load(plan(port, connections=1, seconds=0.2, rate=100_000, patience=0.0))
    assert found.failures == {}
    assert found.requests == pytest.approx(20_000, rel=0.01)
    assert found.seconds > found.all.quantile(0.95) > 0.2
    assert impatient.failures["not sent in time"] > 0


def test_a_histogram_is_within_one_percent() -> None:
    values = [(7919 * n % 100_000 + 1) / 1e5 for n in range(100_000)]
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    values.sort()
    for share in (0.5, 0.95, 0.99, 1.0):
        exact = values[min(int(share * len(values)), len(values) - 1)]
        assert histogram.quantile(share) == pytest.approx(exact, rel=0.01)
    copied = Outcome.from_json(Outcome(latencies={"all": histogram}).to_json())
    assert copied.all.quantile(0.95) == histogram.quantile(0.95)


def test_the_mix_is_four_reads_to_one_write() -> None:
    reads = sum(kind.weight for kind in KINDS if not kind.writes)
    assert reads == 800
    assert sum(kind.weight for kind in KINDS) == 1000
    assert max(len(journey.kinds) for journey in journeys(KINDS)) == 3
