"""`ims smoke`: a look at what is served, which finds what is not well and goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from ims.cli import app
from ims.smoke import Finding, look

Make = Callable[..., TestClient]


def wrong(found: list[Finding]) -> list[str]:
    return [each.name for each in found if not each.is_well]


def test_an_installation_that_has_published_nothing_is_not_ready_and_otherwise_well(make: Make) -> None:
    client = make()
    client.headers.pop("authorization", None)
    found = look(client)
    assert wrong(found) == ["ready"]
    assert {each.name: each.says for each in found}["strangers"].endswith("401")
    assert "Nothing is published" in {each.name: each.says for each in found}["ready"]


def test_failed_requests_messages_and_runs_are_found(make: Make, url: str) -> None:
    client = make()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO runs (run_id, as_of, state, finished_at) VALUES ('a', '2026-01-01', 'failed', now())"
        )
    assert client.get("/api/fail/defect").status_code == 500
    client.headers.pop("authorization", None)
    assert wrong(look(client)) == ["ready", "requests", "newest run"]


def test_a_token_for_the_figures_is_named_when_it_is_missing(make: Make) -> None:
    client = make(IMS_METRICS_TOKEN="scraper-scraper-scraper")  # noqa: S106
    client.headers.pop("authorization", None)
    assert wrong(look(client)) == ["ready", "metrics"]
    assert wrong(look(client, {"authorization": "Bearer scraper-scraper-scraper"})) == ["ready"]


def test_where_nothing_answers_each_look_says_so() -> None:
    with httpx.Client(base_url="http://127.0.0.1:9", timeout=2) as client:
        found = look(client)
    assert wrong(found) == ["alive", "ready", "door", "stranger", "figures"]
    done = CliRunner().invoke(app, ["smoke", "http://127.0.0.1:9"])
    assert done.exit_code == 1
    assert "not well: alive" in str(done.exception)


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").write_text("x")
    done = CliRunner().invoke(app, ["smoke", "http://127.0.0.1:9", "--certificate", str(tmp_path / "tls.crt")])
    assert "given together" in str(done.exception)
