"""`ims backtest`: the policy replayed on windows of the published history, beside simpler rules.

Reads the published snapshot and calls models/backtest; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ims.failure import Failure
from ims.settings import get_settings
from pipelines.lock import Progress


@dataclass(frozen=True)
class Backtest:
    """Windows x policies. `frame` has the columns of models.backtest.run.BACKTEST_SCHEMA; `str` is a table to read."""

    frame: pl.DataFrame

    def __str__(self) -> str:
        scored = self.frame.filter("is_scored")
        figures = ["cost", "fill_rate", "ratio"]
        windows = scored.pivot("policy", index="window_starts_on", values="cost").sort("window_starts_on")
        means = scored.group_by("policy", maintain_order=True).agg(pl.col(figures).mean())
        with pl.Config(tbl_rows=-1, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, float_precision=3):
            return f"Cost by window\n{windows}\n\nMean over {windows.height} windows\n{means}"


def backtest(windows: int, progress: Progress) -> Backtest:
    """Replay the last `windows` scored windows. Raises Failure when nothing is published or history is too short."""
    from api.database import open_databases
    from api.publications import current_publication
    from models.backtest.run import run_backtest
    from pipelines.frames import read_input
    from warehouse.lake import connect

    settings = get_settings()
    databases = open_databases(settings)
    published = current_publication(databases.operational)
    if published is None:
        raise Failure("Nothing is published yet, so there is no history to replay. `ims run` publishes.")
    con = connect(databases, settings, snapshot=published.snapshot_id, read_only=True)
    try:
        demand, catalog, terms = (read_input(con, name) for name in ("demand", "catalog", "terms"))
        row = con.execute("SELECT unmet_demand FROM lake.staging.chain").fetchone()
    finally:
        con.close()
    if terms.is_empty():
        raise Failure(
            "The chain states no supply terms, so no order can be replayed. Import supply (docs/import-format.md)."
        )
    assert row is not None, "staging.chain has its one row"
    frame = run_backtest(
        demand,
        catalog,
        terms,
        published.as_of,
        str(row[0]),
        progress=lambda stage, share: progress(stage, round(100 * share), 100),
    )
    if frame.is_empty():
        raise Failure(
            "There is too little history to replay: four windows are needed, each as long as an order covers."
        )
    starts = frame.filter("is_scored")["window_starts_on"].unique().sort().tail(windows)
    return Backtest(frame.filter(pl.col("window_starts_on").is_in(starts.to_list())))
