"""`ims --help` teaches, and at once: it imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("pydantic", "dagster", "duckdb", "polars", "streamlit", "sklearn", "sqlalchemy", "great_expectations", "rich")


def test_the_command_line_imports_nothing_heavy() -> None:
    probe = f"import sys, ims.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_names_the_contract() -> None:
    found = subprocess.run([sys.executable, "-m", "ims.cli", "--help"], capture_output=True, text=True, check=True)
    for command in ("demo", "import", "run", "export", "publish", "serve", "stop", "sql", "backtest", "bench"):
        assert f"\n  {command} " in found.stdout


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    command = [Path(sys.executable).parent / "typer", "ims.cli", "utils", "docs", "--name", "ims"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    page = Path(__file__).parents[2] / "docs" / "cli.md"
    assert page.read_text().strip() == found.stdout.strip(), "run `make docs`"
