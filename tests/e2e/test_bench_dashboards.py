"""`ims bench dashboards` at its smallest: guests of every role look, a browser among them; the page says how fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from api.identity.policy import grants_of
from dashboards.front_page import first_page
from dashboards.shell import offered
from ims.bench.dashboards.figures import LOOKS
from ims.bench.dashboards.mornings import ROUNDS, share_of_memory
from ims.bench.dashboards.page import TITLE, write_part
from tests.dashboards.world import publish_world

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]
LEFT = """SELECT (SELECT count(*) FROM users WHERE is_active AND username LIKE 'bench-%'),
    (SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL AND expires_at > now() + interval '2 hours')"""


def bench(path: Path, *options: str) -> tuple[dict, str]:
    command = [sys.executable, "-m", "ims.cli", "bench", "dashboards", "--json", str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text()), done.stdout


def test_people_see_views_of_theirs_and_the_page_says_how_fast(installation, make_user, tmp_path: Path) -> None:
    publish_world(installation.databases, installation.settings)
    url = installation.databases.operational
    make_user(url, "accounts", ("accountant",))
    found, said = bench(tmp_path / "boards.json", "--users", "3", "--think", "0.2", "--limit", "400", "--guests")
    looks = [look for part in LOOKS for look in found[part]]
    assert [look for look in looks if look["fault"]] == []
    seen = [look for look in looks if look["ready"] is not None]
    assert len(looks) - len(seen) <= 3, "only those under way when the browser was done are cut off"
    assert all(0 < look["painted"] <= look["ready"] for look in seen)
    for part in LOOKS[:-1]:
        assert {look["view"] for look in found[part]} == set(found["names"]), part
    assert {look["view"] for look in found["crowd"]} <= set.union(*map(views_of, found["roles"]))
    for part in ("clicked", "clicking", "crowd"):
        assert any(look["filtered"] for look in found[part]), part
    assert found["parts"]["together"]["asked"]["memory"] > 0
    assert "0 faults." in said
    assert "Not seen" not in said
    with psycopg.connect(url) as connection:
        assert connection.execute(LEFT).fetchone() == (0, 0), "guests and sessions ended with the benchmark"
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nBefore.\n\n## After\n\nLast.\n")
    for _ in range(2):
        write_part(found, page)
    assert page.read_text().count(TITLE) == 1
    assert page.read_text().startswith("# Page\n\nBefore.\n\n## After\n\nLast.\n\n## How fast")


def test_what_there_was_no_time_for_is_named(installation, make_user, tmp_path: Path) -> None:
    publish_world(installation.databases, installation.settings)
    make_user(installation.databases.operational, "asha", ("staff",), ("S01",))
    found, said = bench(tmp_path / "boards.json", "--users", "1", "--think", "30", "--limit", "10")
    assert found["parts"]["together"]["seconds"] < 60
    assert "Not seen for the time was up (the browser among many): " in said


def views_of(role: str) -> set[str]:
    return {each.name for each in offered() if grants_of(frozenset({role})).allows(each.permission)}


def test_a_morning_goes_round_the_views_of_each_role(installation, tmp_path: Path) -> None:
    publish_world(installation.databases, installation.settings)
    path = tmp_path / "mornings.json"
    words = ["mornings", "--users", "3", "--think", "0.2", "--guests"]
    command = [sys.executable, "-m", "ims.cli", "bench", *words]
    done = subprocess.run([*command, "--json", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    (morning,) = found["mornings"]
    assert [look for look in morning["looks"] if look["fault"]] == []
    rounds = [view for role, count in found["roles"].items() for view in ROUNDS[role] * count]
    assert sorted(look["view"] for look in morning["looks"]) == sorted(rounds)
    assert any(look["filtered"] for look in morning["looks"])
    assert 0 < share_of_memory(morning) < 1
    assert f"{100 * share_of_memory(morning):.1f} % of" in done.stdout
    nothing = subprocess.run([*command, "--night", "true"], capture_output=True, text=True, check=False)
    assert nothing.returncode == 1
    assert "`true` published nothing" in nothing.stderr
    with psycopg.connect(installation.databases.operational) as connection:
        assert connection.execute(LEFT).fetchone() == (0, 0), "guests and sessions ended with the benchmark"


@pytest.mark.parametrize("role", sorted(ROUNDS))
def test_a_round_begins_where_the_day_of_the_role_does(role: str) -> None:
    assert set(ROUNDS[role]) <= views_of(role)
    assert ROUNDS[role][0] == first_page([role], sorted(views_of(role)))
