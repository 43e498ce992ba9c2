"""`ims bench dashboards` at its smallest: two people see every view of theirs, and the page says what was measured."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from api.identity.policy import grants_of
from dashboards.shell import offered
from ims.bench.dashboards.page import page_part

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]
WORLD = runpy.run_path(str(Path(__file__).parents[1] / "dashboards" / "conftest.py"))


def test_two_people_see_every_view_of_theirs(installation, make_user, tmp_path: Path) -> None:
    WORLD["publish_world"](installation.databases, installation.settings)
    url = installation.databases.operational
    make_user(url, "accounts", ("accountant",))
    make_user(url, "asha", ("staff",), ("S01",))
    path = tmp_path / "boards.json"
    command = [sys.executable, "-m", "ims.cli", "bench", "dashboards"]
    done = subprocess.run(
        [*command, "--users", "2", "--think", "0", "--json", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    looks = [*found["alone"], *found["together"]]
    assert [look for look in looks if look["fault"]] == []
    assert all(0 < look["painted"] <= look["ready"] for look in looks)
    assert any(look["filtered"] for look in looks)
    views = {
        role: [each.name for each in offered() if grants_of(frozenset({role})).allows(each.permission)]
        for role in ("accountant", "staff")
    }
    assert sorted(look["view"] for look in found["together"]) == sorted(views["accountant"] + views["staff"])
    assert found["asked"]["memory"] > 0
    page = "\n".join(page_part(found))
    assert "2 people at once" in page
    assert "answered from memory" in page
    assert "0 faults." in done.stdout
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL AND expires_at > now() + interval '2 hours'"
        ).fetchone()
    assert left == (0,), "the benchmark's sessions ended with it"
