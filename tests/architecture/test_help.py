"""`ims --help` teaches, and at once: it imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pydantic", "dagster", "duckdb", "polars", "streamlit", "sklearn", "sqlalchemy", "great_expectations", "rich")


def test_the_command_line_imports_nothing_heavy() -> None:
    probe = f"import sys, ims.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_names_the_contract() -> None:
    found = subprocess.run([sys.executable, "-m", "ims.cli", "--help"], capture_output=True, text=True, check=True)
    for command in ("demo", "import", "run", "export", "publish", "serve", "stop", "sql", "backtest"):
        assert f"\n  {command} " in found.stdout
