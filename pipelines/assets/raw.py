"""Group raw: the operational tables as one extract brings them over, one moment, one lake snapshot."""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetsDefinition, AssetSpec, MaterializeResult, multi_asset

from api.identity.keys import load_pseudonym_key
from pipelines.extract import extract
from pipelines.lineage import column_schema
from pipelines.session import RunSession
from warehouse.contracts import Contract, contracts


def raw_assets() -> AssetsDefinition:
    """One asset per contract of schema raw; none is yielded, and nothing runs after it, when nothing has changed."""

    @multi_asset(name="extract", specs=[_spec(table) for table in contracts("raw")], required_resource_keys={"session"})
    def extracted(context: AssetExecutionContext) -> Iterator[MaterializeResult[None]]:
        session: RunSession = context.resources.session
        if session.is_unchanged:
            return
        with session.step("extract"):
            result = extract(
                session.con,
                session.databases,
                lambda table, done, total: session.progress("extract", done, total),
                load_pseudonym_key(session.settings),
            )
            session.data_as_of = result.data_as_of
        for table in contracts("raw"):
            upserted, deleted = result.changes.get(table.table, (0, 0))
            metadata = {"rows_upserted": upserted, "rows_deleted": deleted, "snapshot_id": result.snapshot_id}
            yield MaterializeResult(asset_key=["raw", table.table], metadata=metadata)

    return extracted


def _spec(table: Contract) -> AssetSpec:
    return AssetSpec(
        ["raw", table.table],
        group_name="raw",
        skippable=True,
        description=f"{table.grain}. {table.description}",
        kinds={"postgres", "duckdb"},
        metadata={"dagster/column_schema": column_schema(table.name)},
    )
