"""Groups raw and checks: the operational tables as one extract brings them over, one moment, one lake snapshot; then
what the rules of schema raw say of them, and what they hold back.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Iterator

from dagster import AssetCheckResult, AssetExecutionContext, AssetsDefinition, AssetSpec, MaterializeResult, multi_asset

from api.identity.keys import load_pseudonym_key
from pipelines.assets.checking import check_results, check_specs, source_result, source_spec, unchanged_results
from pipelines.extract import extract
from pipelines.held_back import hold_back
from pipelines.lineage import column_schema, operational, source_lineage, source_tables
from pipelines.session import RunSession
from warehouse.contracts import Contract, contracts


def raw_assets() -> AssetsDefinition:
    """One asset per contract of schemas raw and checks; with nothing changed none is yielded, and nothing runs on."""
    brought, held = contracts("raw"), contracts("checks")

    @multi_asset(
        name="extract",
        specs=[*map(_spec, brought), *map(_held_spec, held)],
        check_specs=[source_spec(), *(spec for table in brought for spec in check_specs(table.name))],
        required_resource_keys={"session"},
    )
    def extracted(context: AssetExecutionContext) -> Iterator[MaterializeResult[None] | AssetCheckResult]:
        session: RunSession = context.resources.session
        if session.is_unchanged:
            for table in brought:
                yield from unchanged_results(table.name)
            return
        yield source_result(session)
        if session.failed_checks:
            return
        with session.step("extract") as measure:
            result = extract(
                session.con,
                session.databases,
                lambda table, done, total: session.progress("extract", done, total),
                load_pseudonym_key(session.settings),
                is_full=session.rebuild is not None and session.rebuild.is_full,
            )
            session.data_as_of, session.rows = result.data_as_of, result.rows_read
        # one extract: its time and memory are those of all of these together
        for table in brought:
            upserted, deleted = result.changes.get(table.table, (0, 0))
            metadata = {"rows_upserted": upserted, "rows_deleted": deleted, "snapshot_id": result.snapshot_id}
            lineage = {"dagster/column_lineage": source_lineage(table)}
            yield MaterializeResult(
                asset_key=["raw", table.table], metadata={**metadata, **measure.metadata, **lineage}
            )
        with session.step("what is held back"):
            rows = hold_back(session.con, session.waivers)
        for table in held:
            yield MaterializeResult(asset_key=["checks", table.table], metadata={"dagster/row_count": rows[table.name]})
        yield from check_results(session, *(table.name for table in brought))

    return extracted


def operational_assets() -> list[AssetSpec]:
    """The tables of PostgreSQL that the extract reads: not ours to build, but where every figure begins."""
    return [
        AssetSpec(
            operational(table).split("."),
            group_name="operational",
            description="A table of the operational database, as the API and imports write it.",
            kinds={"postgres"},
        )
        for table in sorted({table for each in contracts("raw") for table in source_tables(each)})
    ]


def _spec(table: Contract) -> AssetSpec:
    return AssetSpec(
        ["raw", table.table],
        deps=[operational(each).split(".") for each in source_tables(table)],
        group_name="raw",
        skippable=True,
        description=f"{table.grain}. {table.description}",
        kinds={"postgres", "duckdb"},
        metadata={"dagster/column_schema": column_schema(table.name)},
    )


def _held_spec(table: Contract) -> AssetSpec:
    return AssetSpec(
        ["checks", table.table],
        deps=[["raw", each.table] for each in contracts("raw")],
        group_name="checks",
        skippable=True,
        description=f"{table.grain}. {table.description}",
        kinds={"duckdb"},
        metadata={"dagster/column_schema": column_schema(table.name)},
    )
