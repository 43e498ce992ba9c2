"""The code location: assets in flow order, dependencies as the SQL says them, checks that see what they speak of."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from expectations.rules import read_rules
from pipelines.definitions import build_definitions
from pipelines.instance import dagster_home, environment
from pipelines.lineage import column_lineage
from warehouse.contracts import contracts
from warehouse.transformations import tables

GROUPS = ["operational", "raw", "checks", "staging", "marts", "forecast", "suggestions", "publication"]


@pytest.fixture(scope="module")
def graph() -> dg.AssetGraph:
    return build_definitions({"session": object()}, "Europe/Berlin").resolve_asset_graph()


def name(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def test_every_table_is_an_asset_of_its_group(graph):
    groups = {name(key): graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert set(groups.values()) == set(GROUPS)
    assert {each for each, group in groups.items() if group == "raw"} == {each.name for each in contracts("raw")}
    for each in tables():
        assert groups[each.full_name] == each.schema
    outputs = {
        "outputs.forecast_weekly": "forecast",
        "outputs.calibration": "suggestions",
        "outputs.plan": "suggestions",
    }
    assert outputs.items() <= groups.items()


def test_dependencies_are_those_of_the_sql(graph):
    for each in tables():
        parents = {name(key) for key in graph.get(dg.AssetKey(each.full_name.split("."))).parent_keys}
        assert parents == set(each.upstream)


def test_the_publication_stands_last(graph):
    key = dg.AssetKey(["publication"])
    everything = {other for other in graph.get_all_asset_keys() if other != key}
    seen, todo = set(), [key]
    while todo:
        parents = graph.get(todo.pop()).parent_keys - seen
        seen |= parents
        todo += parents
    checked = {dg.AssetKey(table.split(".")) for table in read_rules()}
    assert checked <= seen
    assert {each for each in everything if each.path[0] in ("marts", "outputs")} <= seen
    assert graph.get(key).child_keys == set()


def test_every_table_is_watched_for_freshness():
    """Two nights without a run are looked at, a week without one is a fault."""
    defs = build_definitions({"session": object()}, "Europe/Berlin")
    ours = [spec for spec in defs.resolve_all_asset_specs() if spec.group_name != "operational"]
    specs = {name(spec.key): spec.freshness_policy for spec in ours}
    assert {"raw.sales_orders", "staging.sales", "marts.fct_orders", "outputs.plan", "publication"} <= specs.keys()
    for table, policy in specs.items():
        assert policy is not None, table
        assert (policy.warn_window.to_timedelta().days, policy.fail_window.to_timedelta().days) == (2, 8), table


def test_blocking_rules_block(graph):
    found = {(name(key.asset_key), key.name): graph.get(key).blocking for key in graph.asset_check_keys}
    for table, (_, checks) in read_rules().items():
        assert found[table, "matches_its_contract"]
        for check in checks:
            assert found[table, check.name] == (check.severity == "blocking")


def test_a_rule_reads_only_what_is_built_before_its_table(graph):
    """Dagster runs a check right after its table: what it compares with must be upstream."""
    for table, (_, checks) in read_rules().items():
        above = {name(key) for key in graph.get_ancestor_asset_keys(dg.AssetKey(table.split(".")))}
        for check in checks:
            read = set(re.findall(r"lake\.(\w+\.\w+)", check.failing))
            raw = {each for each in read if each.startswith(("raw.", "checks."))}
            assert read - raw <= above, check.name


def test_columns_know_where_they_come_from():
    origins = column_lineage("marts.fct_sales_daily").deps_by_column["sold_qty"]
    assert [(name(dep.asset_key), dep.column_name) for dep in origins] == [("staging.sales", "sold_qty")]


def test_the_jobs_and_their_schedules():
    defs = build_definitions({"session": object()}, "Europe/Berlin")
    found = {(schedule.job_name, schedule.execution_timezone) for schedule in defs.schedules}
    assert found == {("main", "Europe/Berlin"), ("upkeep", "Europe/Berlin")}
    assert defs.resolve_job_def("main").executor_def.name == "in_process"


def test_the_configuration_file_holds_no_secret(installation):
    home = dagster_home(installation.settings, installation.databases)
    variables = environment(installation.settings, installation.databases)
    text = (home / "dagster.yaml").read_text()
    assert home == installation.home / "dagster"
    assert variables["DAGSTER_HOME"] == str(home)
    assert variables["IMS_DAGSTER_STORAGE_URL"] not in text
    assert "env: IMS_DAGSTER_STORAGE_URL" in text
    assert "telemetry:\n  enabled: false" in text
