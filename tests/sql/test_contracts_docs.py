"""The generated pages are those that the contracts and metrics of this commit give."""

from __future__ import annotations

import pytest

from warehouse.contracts import contracts
from warehouse.docs import FOLDER, render_pages
from warehouse.metrics import catalogue


@pytest.mark.parametrize("name", render_pages())
def test_a_generated_page_is_up_to_date(name):
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == render_pages()[name], "run `python -m warehouse.docs` and commit what it writes"


def test_every_table_column_and_metric_is_on_its_page():
    pages = render_pages()
    for agreed in contracts():
        assert f"### {agreed.name}\n" in pages["data-dictionary.md"]
    for metric in catalogue().values():
        assert f"`{metric.name}`" in pages["metrics.md"]
