"""Groups forecast and suggestions: what models/ make of the marts, written to `lake.outputs` and checked.

Calls models/ and computes nothing itself.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Callable, Iterator, Sequence

import polars as pl
from dagster import AssetCheckResult, AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from pipelines.assets.alerting import make_alerts
from pipelines.assets.checking import check_results, check_specs
from pipelines.assets.forecasting import FORECAST_OUTPUTS, MAKERS
from pipelines.assets.planning import make_calibration, make_count_list, make_lead_times, make_plan, make_transfers
from pipelines.frames import write_output
from pipelines.lineage import column_schema, output_lineage
from pipelines.session import RunSession
from warehouse.transformations import tables

# the outputs that no forecast and no plan is made from: alerts speak of all that was built, so they come after it
LAST_MADE = ("outputs.plan", "outputs.count_list", "outputs.forecast_alerts", "outputs.forecast_totals")
PLANNED_FROM = (
    "outputs.calibration",
    "outputs.lead_times",
    "marts.fct_inventory_position",
    "marts.fct_claims",
    "marts.fct_arrivals",
    "marts.dim_supply_terms",
    "marts.dim_order_rules",
    "checks.blocked_pairs",
)
Step = Iterator[MaterializeResult[None] | AssetCheckResult]


def output_assets() -> list[AssetsDefinition]:
    """Forecast and what came of earlier ones, lead times, calibration, transfers, plan, counts, alerts."""
    marts = [each.full_name for each in tables() if each.schema == "marts"]
    return [
        *(_output(name, "forecast", upstream, MAKERS[name]) for name, upstream in FORECAST_OUTPUTS.items()),
        _output(
            "calibration",
            "suggestions",
            ["outputs.forecast_weekly", "outputs.lead_times", "marts.dim_supply_terms"],
            make_calibration,
        ),
        _output(
            "lead_times",
            "suggestions",
            ["marts.fct_purchase_lines", "marts.dim_supply_terms", "marts.dim_assortment"],
            make_lead_times,
        ),
        _output("transfers", "suggestions", [*PLANNED_FROM, "marts.fct_transfer_lines"], make_transfers),
        _output("plan", "suggestions", [*PLANNED_FROM, "outputs.transfers"], make_plan),
        _output(
            "count_list",
            "suggestions",
            ["outputs.forecast_weekly", "marts.fct_stock_health", "marts.fct_pair_rates", "marts.dim_order_rules"],
            make_count_list,
        ),
        _output("alerts", "publication", [*LAST_MADE, *marts], make_alerts),
    ]


def _output(
    name: str, group: str, upstream: Sequence[str], make: Callable[[RunSession], pl.DataFrame]
) -> AssetsDefinition:
    table = f"outputs.{name}"

    @asset(
        key=["outputs", name],
        deps=[AssetKey(up.split(".")) for up in upstream],
        group_name=group,
        description=make.__doc__,
        kinds={"polars", "duckdb"},
        check_specs=check_specs(table),
        metadata={"dagster/column_schema": column_schema(table)},
        required_resource_keys={"session"},
    )
    def build(context: AssetExecutionContext) -> Step:
        session: RunSession = context.resources.session
        session.progress(name.replace("_", " "), 0, None)
        with session.step(name.replace("_", " ")) as measure:
            rows = write_output(session.con, name, make(session))
        session.progress(name.replace("_", " "), 1, 1)
        lineage = {"dagster/column_lineage": output_lineage(table, upstream)}
        yield MaterializeResult(metadata={"dagster/row_count": rows, **measure.metadata, **lineage})
        yield from check_results(session, table)

    return build
