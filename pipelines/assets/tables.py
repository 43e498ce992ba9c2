"""Groups staging and marts: one asset per SQL file, its dependencies and columns read out of the SQL.

A table with a suite carries its checks: a blocking one that fails keeps everything downstream from running.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Iterator

from dagster import AssetCheckResult, AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from pipelines.assets.checking import check_results, check_specs
from pipelines.lineage import column_schema
from pipelines.lineage_kept import kept_lineage
from pipelines.session import RunSession
from pipelines.transform import build_with
from warehouse.transformations import Transformation, tables


def table_assets() -> list[AssetsDefinition]:
    """One asset per transformation, in build order."""
    return [_table_asset(each, place, len(tables())) for place, each in enumerate(tables())]


def _table_asset(table: Transformation, place: int, count: int) -> AssetsDefinition:
    @asset(
        key=[table.schema, table.name],
        deps=[AssetKey(up.split(".")) for up in table.upstream],
        group_name=table.schema,
        description=table.grain,
        kinds={"duckdb", "sql"},
        check_specs=check_specs(table.full_name),
        metadata={"dagster/column_schema": column_schema(table.full_name)},
        required_resource_keys={"session"},
        output_required=True,
    )
    def build(context: AssetExecutionContext) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        session: RunSession = context.resources.session
        session.progress("build tables", place, count)
        with session.step(f"build of {table.full_name}") as measure:
            built = build_with(session.builder, table.full_name)
        session.progress("build tables", place + 1, count)
        lineage = {"dagster/column_lineage": kept_lineage(session.settings.home)[table.full_name]}
        way = {"built": built.way, "keys": built.keys, **measure.metadata}
        yield MaterializeResult(metadata={"dagster/row_count": built.rows, **way, **lineage})
        yield from check_results(session, table.full_name)

    return build
