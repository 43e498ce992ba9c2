"""Every column of every table is explained: by its contract, in the dictionary, and by the columns it comes from."""

from __future__ import annotations

import psycopg
import pytest

from pipelines.assets.outputs import output_assets
from pipelines.lineage import column_lineage, column_schema, output_lineage, source_lineage
from warehouse.contracts import contract, contracts
from warehouse.docs import render_pages
from warehouse.transformations import tables


@pytest.fixture(scope="module")
def operational(server) -> set[tuple[str, str]]:
    """The columns of PostgreSQL as they are there."""
    with psycopg.connect(server.operational) as connection:
        found = connection.execute(
            "SELECT 'operational.' || table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public'"
        )
        return set(found.fetchall())


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


@pytest.mark.parametrize("each", contracts("raw"), ids=lambda each: each.name)
def test_every_column_of_the_extract_names_the_operational_column_it_is(each, operational):
    lineage = source_lineage(each).deps_by_column
    assert set(lineage) == set(each.column_names)
    for column, origins in lineage.items():
        assert origins, f"{each.name}.{column}"
        for origin in origins:
            assert (".".join(origin.asset_key.path), origin.column_name) in operational, f"{each.name}.{column}"


@pytest.mark.parametrize("each", output_assets(), ids=lambda each: each.key.to_user_string())
def test_every_column_of_an_output_comes_of_what_it_is_made_after(each):
    (spec,) = each.specs
    name, upstream = ".".join(spec.key.path), sorted(".".join(dep.asset_key.path) for dep in spec.deps)
    lineage = output_lineage(name, upstream).deps_by_column
    assert set(lineage) == set(contract(name).column_names)
    for column, origins in lineage.items():
        assert origins, f"{name}.{column}"
        for origin in origins:
            up = ".".join(origin.asset_key.path)
            assert up in upstream
            assert origin.column_name in contract(up).column_names, f"{name}.{column}"


def test_the_dictionary_holds_every_column_of_every_table():
    page = render_pages()["data-dictionary.md"]
    for agreed in contracts():
        assert f"### {agreed.name}\n" in page
        part = page.split(f"### {agreed.name}\n")[1].split("\n### ")[0]
        for column in agreed.columns:
            assert f"| `{column.name}` |" in part, f"{agreed.name}.{column.name}"
        assert [each.name for each in column_schema(agreed.name).columns] == list(agreed.column_names)
