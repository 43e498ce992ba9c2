"""The rooms stay what design says: imports one way, each library in its room, small files that say their job."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("ims", "api", "warehouse", "expectations", "models", "pipelines", "dashboards")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "versions" not in path.parts)
# a library and the only places that may import it
HOMES = {
    "dagster": ("pipelines",),
    "streamlit": ("dashboards", "ims/web.py", "ims/bench/dashboards/clicking.py"),
    "plotly": ("dashboards",),
    "great_expectations": ("expectations",),
    "duckdb": (
        "warehouse",
        "pipelines",
        "expectations",
        "dashboards",
        "ims/commands/sql.py",
        "ims/commands/published.py",
        "ims/bench/dashboard.py",
        "ims/bench/forecast/chain.py",
    ),
    "lightgbm": ("models",),
    "sklearn": ("models",),
}
DATABASE_HANDLES = {"duckdb", "psycopg", "sqlalchemy"}


@cache
def imported(path: Path) -> set[str]:
    """Top-level names of every module the file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_layer_list_is_the_folder_list() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["importlinter"]["root_packages"]) == set(ROOMS)
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(ROOMS)
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(ROOMS)


def test_imports_go_one_way() -> None:
    linter = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linter.returncode == 0, linter.stdout


@pytest.mark.parametrize("library", HOMES)
def test_a_library_stays_in_its_room(library: str) -> None:
    strangers = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if library in imported(path) and not str(path.relative_to(ROOT)).startswith(HOMES[library])
    ]
    assert strangers == []


def test_models_hold_no_database_handle() -> None:
    found = {str(path): imported(path) & DATABASE_HANDLES for path in MODULES if (ROOT / "models") in path.parents}
    assert {path: names for path, names in found.items() if names} == {}


def test_dashboards_do_not_shadow_a_root_package_or_a_standard_module() -> None:
    names = {path.stem for path in (ROOT / "dashboards").glob("*") if not path.name.startswith("_")}
    assert names & (set(ROOMS) | set(sys.stdlib_module_names)) == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_its_job_and_is_small(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a module opens with its job"
    assert len(path.read_text().splitlines()) <= 300
    if path.name == "__init__.py":
        assert len(tree.body) == 1, "__init__.py holds a docstring, nothing else"


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "manager", "misc"}
    assert [path for path in MODULES if path.stem in drawers or path.parent.name in drawers] == []


def test_the_median_module_is_short() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in MODULES if path.name != "__init__.py")
    assert lengths[len(lengths) // 2] < 100


def test_no_aggregate_is_written_in_a_dashboard() -> None:
    """Design decision 7: figures are defined once, in warehouse/metrics."""
    banned = ("group_by(", "GROUP BY", ".pivot_table(", ".groupby(", "SUM(", "sum(", "AVG(")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in MODULES
        if (ROOT / "dashboards") in path.parents
        for word in banned
        if word in path.read_text()
    ]
    assert found == []
