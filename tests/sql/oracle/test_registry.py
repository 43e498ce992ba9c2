"""Every figure with a number in the chain's list of KPIs is recomputed by a test here; a fixture sees that it is."""

from __future__ import annotations

import ast
from pathlib import Path

from warehouse.catalogue import catalogue


def recomputed() -> dict[str, str]:
    """Metrics by the test that says it recomputes them."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.recomputes":
                found |= {ast.literal_eval(argument): path.name for argument in node.args}
    return found


def test_every_kpi_is_recomputed():
    wanted = {name for name, metric in catalogue().items() if metric.kpi and not metric.missing}
    assert wanted - recomputed().keys() == set()


def test_what_is_recomputed_is_in_the_catalogue():
    assert recomputed().keys() <= catalogue().keys()
