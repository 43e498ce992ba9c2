"""The journey of a new user on the command line: demo chain, import, run, export, next week, going back."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ims.demo.generate import write_chain

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]


def ims(*arguments: str | Path, expect: int = 0) -> str:
    """Run one command as a process of its own; its output, after checking the exit code."""
    command = [sys.executable, "-m", "ims.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_chain_from_import_to_next_week_and_back(
    installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = tmp_path / "chain" / "week-0", tmp_path / "chain" / "week-1"
    write_chain(first, profile="ci", then_weeks=1)

    assert "Nothing is published yet" in ims("publish", "list")
    ims("import", first, "--dry-run")
    ims("import", first)
    assert "unchanged" in ims("import", first)
    ims("run")
    first_suggestions = export_suggestions(tmp_path / "s.csv")
    assert "nothing" in ims("run").lower(), "a second run for the same day changes nothing and says so"
    assert export_suggestions(tmp_path / "again.csv").equals(first_suggestions)

    forecasts = tmp_path / "f.parquet"
    ims("export", "forecasts", "--out", forecasts)
    table = pl.read_parquet(forecasts)
    assert table.group_by("store_code", "sku").len()["len"].min() >= 14
    quantiles = table.select([f"p{level:02d}" for level in range(5, 100, 5)])
    assert all((quantiles[:, i] <= quantiles[:, i + 1]).all() for i in range(18))

    ims("import", later)
    ims("run")
    second_suggestions = export_suggestions(tmp_path / "week-1.csv")
    assert second_suggestions["as_of"].unique().to_list() != first_suggestions["as_of"].unique().to_list()

    snapshots = [int(line.split("snapshot")[1].split()[0]) for line in ims("publish", "list").splitlines()]
    assert len(snapshots) == 2
    ims("publish", "rollback", str(snapshots[1]))
    assert f"* snapshot {snapshots[1]:>6}" in ims("publish", "list")
    ims("publish", "rollback", "999999", expect=2)
    assert "2" in ims("sql", "SELECT 1 + 1 AS two")
    ims("sql", "DELETE FROM dim_store", expect=2)
    monkeypatch.chdir(tmp_path)
    for command in runbook_commands():
        ims(*command)


def runbook_commands() -> list[list[str]]:
    """What docs/runbooks.md tells people to type, each once."""
    lines = (ROOT / "docs" / "runbooks.md").read_text().splitlines()
    typed = dict.fromkeys(line.strip() for line in lines if line.startswith("    "))
    commands = [shlex.split(line) for line in typed]
    assert all(program == "ims" for program, *_ in commands)
    assert len(commands) > 5
    return [arguments for _, *arguments in commands]


def export_suggestions(out: Path) -> pl.DataFrame:
    """Every planned pair, as the contract says: whole numbers, a manifest beside the file."""
    ims("export", "suggestions", "--all", "--out", out)
    manifest = json.loads(Path(f"{out}.manifest.json").read_text())
    table = pl.read_csv(out)
    assert manifest["rows"] == table.height > 0
    assert table["suggested_qty"].dtype == pl.Int64
    assert table["suggested_qty"].min() >= 0
    assert not table.select("store_code", "sku", "kind").is_duplicated().any()
    return table


def test_wrong_input_is_exit_2_and_one_paragraph(installation, tmp_path: Path) -> None:
    output = ims("import", tmp_path / "nowhere", expect=2)
    assert "nowhere" in output
    output = ims("export", "suggestions", "--out", tmp_path / "s.docx", expect=2)
    assert ".csv" in output
    ims("run", "--as-of", "not-a-date", expect=2)


def test_an_empty_installation_says_what_to_do(installation) -> None:
    assert "ims import" in ims("run", expect=1)
    assert "ims run" in ims("sql", "SELECT 1", expect=1)
    assert "Nothing was running" in ims("stop")
