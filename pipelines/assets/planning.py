"""What the group suggestions makes: lead times, calibration, transfers, the plan, what to count.

Calls models/ and computes nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.backtest.calibrate import calibrate_policy
from models.features.known import NOTHING
from models.policy.calibration import CALIBRATION_SCHEMA, is_reusable
from models.policy.counting import list_counts
from models.policy.held import hold_back_orders
from models.policy.lead_times import learn_lead_times
from models.policy.moving import TRANSFER_SCHEMA, apply_transfers, plan_transfers
from models.policy.plan import PLAN_SCHEMA, plan_orders
from pipelines.assets.kept import kept_forecast, kept_frame, report_stages
from pipelines.frames import read_output
from pipelines.known import read_known
from pipelines.policy_inputs import read_setting, read_transfer_terms

if TYPE_CHECKING:
    from pipelines.session import RunSession

BUDGET = "order_budget_amount"


def make_lead_times(session: RunSession) -> pl.DataFrame:
    """How long each vendor takes, learnt from what came and what is still open."""
    lines, terms = kept_frame(session, "purchase_lines"), kept_frame(session, "terms")
    return learn_lead_times(lines, terms, kept_frame(session, "catalog"), session.as_of)


def make_calibration(session: RunSession) -> pl.DataFrame:
    """Bias and tau for the plan: the last calibration while it is young enough, else a new replay of history."""
    terms = kept_frame(session, "terms")
    if terms.is_empty() or kept_frame(session, "free_stock").is_empty():
        return pl.DataFrame(schema=CALIBRATION_SCHEMA)
    previous = read_output(session.con, "calibration")
    return calibrate_policy(
        kept_frame(session, "demand"),
        kept_frame(session, "catalog"),
        terms,
        session.as_of,
        _unmet_demand(session),
        previous=previous,
        known=NOTHING if is_reusable(previous, session.as_of) else read_known(session.con),
        leads=read_output(session.con, "lead_times"),
        carrying_rate=session.settings.holding_rate_per_year,
        progress=report_stages(session, "calibration"),
    )


def make_transfers(session: RunSession) -> pl.DataFrame:
    """What moves between stores before anything is bought; nothing where no transfer was ever made or timed."""
    position, terms = kept_frame(session, "free_stock"), kept_frame(session, "terms")
    transfer = read_transfer_terms(session.con)
    if position.is_empty() or terms.is_empty() or transfer.days <= 0:
        return pl.DataFrame(schema=TRANSFER_SCHEMA)
    blocked = session.con.sql("FROM lake.checks.blocked_pairs").pl()
    # stock that cannot be believed is neither lent nor added to
    known = position.join(blocked, on=["store_code", "sku"], how="anti")
    return plan_transfers(
        kept_frame(session, "demand"),
        kept_frame(session, "catalog"),
        known,
        kept_frame(session, "coming"),
        terms,
        session.as_of,
        _unmet_demand(session),
        kept_forecast(session),
        read_output(session.con, "calibration"),
        transfer,
        rules=kept_frame(session, "rules"),
        leads=read_output(session.con, "lead_times"),
        carrying_rate=session.settings.holding_rate_per_year,
    )


def make_plan(session: RunSession) -> pl.DataFrame:
    """What to order for every pair of the assortment; no row, and the reason as a note, where none can be planned."""
    position, terms = kept_frame(session, "free_stock"), kept_frame(session, "terms")
    missing = [name for name, frame in (("stock", position), ("supply terms", terms)) if frame.is_empty()]
    if missing:
        files = " and ".join({"stock": "stock", "supply terms": "supply"}[name] for name in missing)
        session.notes.append(
            f"No suggestion can be made: the chain states no {' and no '.join(missing)}. Import {files} "
            "(docs/import-format.md) to get suggestions; the forecasts do not need them."
        )
        return pl.DataFrame(schema=PLAN_SCHEMA)
    position, arrivals = apply_transfers(position, kept_frame(session, "coming"), read_output(session.con, "transfers"))
    plan = plan_orders(
        kept_frame(session, "demand"),
        kept_frame(session, "catalog"),
        position,
        arrivals,
        terms,
        session.as_of,
        _unmet_demand(session),
        kept_forecast(session),
        read_output(session.con, "calibration"),
        rules=kept_frame(session, "rules"),
        leads=read_output(session.con, "lead_times"),
        budget=read_setting(session.con, BUDGET),
        carrying_rate=session.settings.holding_rate_per_year,
    )
    return hold_back_orders(plan, session.con.sql("FROM lake.checks.blocked_pairs").pl(), session.as_of)


def make_count_list(session: RunSession) -> pl.DataFrame:
    """What somebody should count: silent beyond chance, or never there; no row where the chain states no stock."""
    watched = kept_frame(session, "watched")
    if kept_frame(session, "free_stock").is_empty():
        watched = watched.clear()
    return list_counts(watched, kept_forecast(session), session.as_of)


def _unmet_demand(session: RunSession) -> str:
    row = session.con.execute("SELECT unmet_demand FROM lake.staging.chain").fetchone()
    assert row is not None, "staging.chain has its one row"
    return str(row[0])
