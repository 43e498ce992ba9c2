"""What is reckoned in the drills: failures that turn a release back, a slope of memory, waits, the page's table."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def _paths(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("drills", "blue-green"):
        monkeypatch.syspath_prepend(str(DEPLOY / folder))
    yield
    for name, module in list(sys.modules.items()):  # their names are too short to be kept
        if str(getattr(module, "__file__", "") or "").startswith(str(DEPLOY)):
            del sys.modules[name]


@pytest.mark.usefixtures("_paths")
def test_a_release_goes_back_for_more_than_a_few_failures_and_more_than_its_share() -> None:
    from switch import Counts, is_failing

    def asked(count: int, failed: int) -> bool:
        return is_failing(Counts(1_000, 40), Counts(1_000 + count, 40 + failed), 0.01)

    assert [asked(10, 2), asked(10, 3), asked(400, 4), asked(400, 5)] == [False, True, False, True]


@pytest.mark.usefixtures("_paths")
def test_a_slope_is_told_with_how_sure_it_is() -> None:
    from soak import trend

    assert trend([(0.0, 100.0), (1.0, 102.0), (2.0, 104.0)]) == (pytest.approx(2), pytest.approx(0))
    slope, error = trend([(0.0, 100.0), (1.0, 101.0), (2.0, 100.0), (3.0, 101.0)])
    assert slope - 2 * error < 0 < slope


@pytest.mark.usefixtures("_paths")
def test_the_slower_way_to_a_view_is_the_one_that_is_told() -> None:
    from many_people import slower_way

    from ims.bench.dashboards.figures import LOOKS

    found = {way: [{"view": "today", "ready": 100.0 * at, "fault": None}] for at, way in enumerate(LOOKS, start=1)}
    assert slower_way(found, "ready") == max(found[way][0]["ready"] for way in ("opened", "clicked"))


@pytest.mark.usefixtures("_paths")
def test_a_till_knows_its_longest_wait() -> None:
    from writing import Acknowledged, Till

    till = Till("http://127.0.0.1:1", "token", "postgresql://")
    till.kept = [Acknowledged(number, at - 0.1, at) for number, at in enumerate((1.0, 2.0, 7.0, 8.0))]
    till.refused = [(3.0, "503"), (4.0, "503"), (5.0, "ConnectError")]
    assert till.longest_wait(since=1.5, until=9.0) == 5
    assert till.longest_wait(since=7.5, until=9.5) == 1.5
    assert (till.seen(2.5), till.seen(6)) == ("503 × 2, ConnectError × 1", "nothing")


@pytest.mark.usefixtures("_paths")
def test_the_table_is_put_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import table
    from kill_everything import Row

    page = tmp_path / "drills.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    monkeypatch.setattr(table, "PAGE", page)
    for _ in range(2):
        table.write_table([Row("the proxy", "ConnectError × 2", 1.5, 2.0, 0)], "ci", 10)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert text.count("| the proxy | ConnectError × 2 | 1.5 s | 2.0 s | 0 |  |") == 1
    assert "old" not in text


def test_every_drill_proves_a_line_and_stands_in_the_page() -> None:
    lines = tomllib.loads((DEPLOY.parent / "ims" / "readiness" / "lines.toml").read_text())["line"]
    commands = {proof.get("command", "").split(" ")[0] for line in lines for proof in line.get("proof", ())}
    drills = {path.name for path in (DEPLOY / "drills").glob("*.py") if "argparse" in path.read_text()}
    page = (DEPLOY.parent / "docs" / "drills.md").read_text()
    assert {f"deploy/drills/{name}" for name in drills} <= commands
    assert [name for name in drills if f"`deploy/drills/{name}" not in page] == []
