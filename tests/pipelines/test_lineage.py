"""Every column of every table is explained: by its contract, in the dictionary, and by the columns it comes from."""

from __future__ import annotations

import pytest

from pipelines.lineage import column_lineage, column_schema
from warehouse.contracts import contract, contracts
from warehouse.docs import render_pages
from warehouse.transformations import tables


@pytest.mark.parametrize("each", tables(), ids=lambda each: each.full_name)
def test_every_column_knows_where_it_comes_from(each):
    agreed = contract(each.full_name)
    lineage = column_lineage(each.full_name).deps_by_column
    assert set(lineage) == set(agreed.column_names)
    known = {up: set(contract(up).column_names) for up in each.upstream}
    for column, origins in lineage.items():
        assert origins, f"{each.full_name}.{column}"
        for origin in origins:
            up = ".".join(origin.asset_key.path)
            assert origin.column_name in known[up], f"{each.full_name}.{column}: {up}.{origin.column_name}"


def test_the_dictionary_holds_every_column_of_every_table():
    page = render_pages()["data-dictionary.md"]
    for agreed in contracts():
        assert f"### {agreed.name}\n" in page
        part = page.split(f"### {agreed.name}\n")[1].split("\n### ")[0]
        for column in agreed.columns:
            assert f"| `{column.name}` |" in part, f"{agreed.name}.{column.name}"
        assert [each.name for each in column_schema(agreed.name).columns] == list(agreed.column_names)
