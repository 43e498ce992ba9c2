"""Groups forecast and suggestions: what models/ make of the marts, written to `lake.outputs` and checked.

Calls models/ and computes nothing itself.
"""

# no postponed annotations: Dagster reads the type of `context` as an object

from collections.abc import Callable, Iterator, Sequence

import polars as pl
from dagster import AssetCheckResult, AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from models.backtest.calibrate import calibrate_policy
from models.forecast.engine import Forecast, forecast
from models.forecast.scores import keep_forecast, score_forecasts
from models.forecast.weekly import forecast_weekly
from models.policy.calibration import CALIBRATION_SCHEMA
from models.policy.held import hold_back_orders
from models.policy.plan import PLAN_SCHEMA, plan_orders
from pipelines.assets.checking import check_results, check_specs
from pipelines.frames import read_input, read_output, write_output
from pipelines.lineage import column_schema
from pipelines.session import RunSession

HORIZON_WEEKS = 16
Step = Iterator[MaterializeResult[None] | AssetCheckResult]


def output_assets() -> list[AssetsDefinition]:
    """Forecast and what came of earlier ones, calibration and plan, in flow order."""
    return [
        _output("forecast_weekly", "forecast", ["marts.fct_demand_weekly", "marts.dim_assortment"], make_forecast),
        _output("forecast_kept", "forecast", ["outputs.forecast_weekly"], keep_this_forecast),
        _output("forecast_scores", "forecast", ["outputs.forecast_kept", "marts.fct_demand_weekly"], score_kept),
        _output("calibration", "suggestions", ["outputs.forecast_weekly", "marts.dim_supply_terms"], make_calibration),
        _output(
            "plan",
            "suggestions",
            [
                "outputs.calibration",
                "marts.fct_inventory_position",
                "marts.fct_arrivals",
                "marts.dim_supply_terms",
                "checks.blocked_pairs",
            ],
            make_plan,
        ),
    ]


def make_forecast(session: RunSession) -> pl.DataFrame:
    """Weekly distributions for every pair of the catalog."""
    return forecast_weekly(_forecast(session), session.as_of)


def keep_this_forecast(session: RunSession) -> pl.DataFrame:
    """The forecast as it was made, kept beside earlier ones, to be set against what comes."""
    weekly = read_output(session.con, "forecast_weekly")
    assert weekly is not None, "made by the step before"
    return keep_forecast(weekly, read_output(session.con, "forecast_kept"), session.as_of)


def score_kept(session: RunSession) -> pl.DataFrame:
    """What came of kept forecasts; no row before the first of their weeks has passed."""
    kept = read_output(session.con, "forecast_kept")
    assert kept is not None, "kept by the step before"
    return score_forecasts(kept, _frame(session, "demand"))


def make_calibration(session: RunSession) -> pl.DataFrame:
    """Bias and tau for the plan: the last calibration while it is young enough, else a new replay of history."""
    terms = _frame(session, "terms")
    if terms.is_empty() or _frame(session, "position").is_empty():
        return pl.DataFrame(schema=CALIBRATION_SCHEMA)
    return calibrate_policy(
        _frame(session, "demand"),
        _frame(session, "catalog"),
        terms,
        session.as_of,
        _unmet_demand(session),
        previous=read_output(session.con, "calibration"),
        carrying_rate=session.settings.holding_rate_per_year,
        progress=_report(session, "calibration"),
    )


def make_plan(session: RunSession) -> pl.DataFrame:
    """What to order for every pair with known stock; no row, and the reason as a note, where none can be planned."""
    position, terms = _frame(session, "position"), _frame(session, "terms")
    missing = [name for name, frame in (("stock", position), ("supply terms", terms)) if frame.is_empty()]
    if missing:
        files = " and ".join({"stock": "stock", "supply terms": "supply"}[name] for name in missing)
        session.notes.append(
            f"No suggestion can be made: the chain states no {' and no '.join(missing)}. Import {files} "
            "(docs/import-format.md) to get suggestions; the forecasts do not need them."
        )
        return pl.DataFrame(schema=PLAN_SCHEMA)
    plan = plan_orders(
        _frame(session, "demand"),
        _frame(session, "catalog"),
        position,
        _frame(session, "arrivals"),
        terms,
        session.as_of,
        _unmet_demand(session),
        _forecast(session),
        read_output(session.con, "calibration"),
        carrying_rate=session.settings.holding_rate_per_year,
    )
    return hold_back_orders(plan, session.con.sql("FROM lake.checks.blocked_pairs").pl(), session.as_of)


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
        yield MaterializeResult(metadata={"dagster/row_count": rows, **measure.metadata})
        yield from check_results(session, table)

    return build


def _forecast(session: RunSession) -> Forecast:
    """The run's forecast, computed once: a plan launched alone in the Dagster UI computes it anew."""
    if "forecast" not in session.kept:
        session.kept["forecast"] = forecast(
            _frame(session, "demand"),
            _frame(session, "catalog"),
            session.as_of,
            HORIZON_WEEKS,
            _report(session, "forecast"),
        )
    found = session.kept["forecast"]
    assert isinstance(found, Forecast), "kept by the lines above"
    return found


def _frame(session: RunSession, name: str) -> pl.DataFrame:
    if name not in session.kept:
        session.kept[name] = read_input(session.con, name)
    frame = session.kept[name]
    assert isinstance(frame, pl.DataFrame), "kept by the lines above"
    return frame


def _unmet_demand(session: RunSession) -> str:
    row = session.con.execute("SELECT unmet_demand FROM lake.staging.chain").fetchone()
    assert row is not None, "staging.chain has its one row"
    return str(row[0])


def _report(session: RunSession, step: str) -> Callable[[str, float], None]:
    """The models report shares of a stage; the same stage of another step is another line."""
    return lambda stage, share: session.progress(f"{step}: {stage}", round(100 * share), 100)
