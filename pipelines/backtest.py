"""`ims backtest`: policies replayed on windows of the published history, and what became of buyers' decisions.

Reads the published snapshot, calls models/backtest, writes `outputs.backtest` and `outputs.backtest_edits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from api.publications import Published
from ims.failure import Failure, WrongInput
from ims.settings import Settings, get_settings
from pipelines.lock import Progress

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases
    from models.backtest.replay import Replay
    from models.backtest.shelf import Shelf

TABLE: dict[str, Any] = {
    "tbl_rows": -1,
    "tbl_cols": -1,
    "tbl_width_chars": 250,
    "fmt_str_lengths": 60,
    "tbl_hide_column_data_types": True,
    "tbl_hide_dataframe_shape": True,
    "float_precision": 3,
}
SHOWN = ["policy", "cost", "cost_spread", "ratio", "ratio_spread", "won", "fill_rate", "empty_share", "stock_qty"]
SHOWN += ["stock_value", "order_lines"]
LINES = """
SELECT store_code, sku, sent_on, coalesce(last_accepted_on, completed_on) AS arrived_on, ordered_qty
FROM lake.marts.fct_purchase_lines
WHERE sent_on IS NOT NULL AND (is_open OR last_accepted_on IS NOT NULL)
UNION ALL
SELECT to_store_code, sku, shipped_on, received_on, shipped_qty FROM lake.marts.fct_transfer_lines
"""
MONDAYS = """
SELECT s.store_code, s.sku, w.week_starting_on, s.on_hand_qty
FROM lake.marts.fct_stock_spans AS s
JOIN replayed USING (store_code, sku)
JOIN (SELECT CAST(unnest(range(CAST(? AS DATE), CAST(? AS DATE) + 1, INTERVAL 7 DAY)) AS DATE) AS week_starting_on) AS w
    ON w.week_starting_on >= s.from_on AND coalesce(w.week_starting_on <= s.to_on, TRUE)
WHERE s.on_hand_qty IS NOT NULL
"""
DECIDED = """
SELECT s.suggestion_id, s.as_of, stores.store_code, products.sku, s.state, s.reason, s.decision_code, s.suggested_qty,
    coalesce(s.decided_qty, s.approved_qty, CASE s.state WHEN 'refused' THEN 0 ELSE s.suggested_qty END) AS decided_qty,
    s.receipt::text AS receipt
FROM suggestions AS s JOIN stores USING (store_id) JOIN products USING (product_id)
WHERE s.state IN ('approved', 'edited', 'refused', 'ordered', 'received') AND s.kind = 'purchase'
    AND s.covers_until <= %s
"""

# what is ordered for a customer is sold from no shelf, so a fifth of the days differ
LEAST_ALIKE = 0.6
ALIKE = """
SELECT avg(CAST(coalesce(t.sales_qty, 0) > 0 AS INTEGER))
FROM lake.marts.fct_sales_daily AS f
LEFT JOIN truth AS t ON t.store_code = f.store_code AND t.sku = f.sku AND t.demand_on = f.sold_on
WHERE f.sold_qty > 0
"""
LOST = "SELECT store_code, sku, month_on, lost_qty + beyond_qty AS lost_qty FROM lake.marts.fct_lost_sales"


@dataclass(frozen=True)
class Backtest:
    """Windows x policies x segments (models.backtest.segments.BACKTEST_SCHEMA), edits, lost sales; `str` is a table."""

    frame: pl.DataFrame
    edits: pl.DataFrame
    lost: pl.DataFrame | None = None

    def __str__(self) -> str:
        with pl.Config(**TABLE):
            return "\n\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        from models.backtest.edits import summarise_edits
        from models.backtest.run import summarise_backtest

        scored = self.frame.filter(pl.col("is_scored"), pl.col("segment_by") == "all")
        for start in scored["starts_from"].unique(maintain_order=True):
            mine = scored.filter(pl.col("starts_from") == start)
            windows = mine.pivot("policy", index="window_starts_on", values="cost").sort("window_starts_on")
            means = summarise_backtest(self.frame).filter(pl.col("starts_from") == start).select(SHOWN)
            shelf = "a plausible shelf" if start == "plausible" else "the chain's own shelf"
            yield f"Cost by window, from {shelf}\n{windows}"
            yield f"Means over {windows.height} windows\n{means}"
        if self.edits.height:
            yield f"What people changed\n{summarise_edits(self.edits)}"
        if self.lost is not None:
            yield f"Lost sales, estimated and true\n{self.lost.drop('as_of')}"


def backtest(windows: int, policies: Sequence[str], progress: Progress, truth: pl.DataFrame | None = None) -> Backtest:
    """Replay the last `windows` scored windows, and keep the result in the lake.

    truth: store_code, sku, demand_on, demand_qty of an invented chain; policies are then judged on it, though none sees
    it. Raises Failure when nothing is published or history is too short, WrongInput for an unknown policy.
    """
    from models.backtest.run import backtest_replay
    from models.backtest.truth import judge_on
    from models.backtest.tuning import POLICIES

    unknown = [name for name in policies if name not in POLICIES]
    if unknown:
        raise WrongInput(f"There is no policy {', '.join(unknown)}. Known: {', '.join(POLICIES)}.")
    settings, databases, published = open_published()
    con = open_lake(databases, settings, published)
    try:
        replay, shelf = read_replay(con, published, settings, windows, progress)
        edits = read_edits(con, databases, published)
        lost = None if truth is None else read_lost(con, published, truth)
    finally:
        con.close()
    if truth is not None:
        replay = judge_on(replay, truth)
    frame = backtest_replay(replay, published.as_of, policies, shelf, report(progress))
    keep(databases, settings, backtest=frame, backtest_edits=edits)
    if lost is not None:
        keep(databases, settings, backtest_lost_sales=lost)
    return Backtest(frame, edits, lost)


@dataclass(frozen=True)
class Ablation:
    """One row per variant (models.backtest.ablation.ABLATION_SCHEMA); `str` is a table to read."""

    frame: pl.DataFrame

    def __str__(self) -> str:
        with pl.Config(**TABLE):
            return f"Over {self.frame['windows'][0]} windows\n{self.frame.drop('as_of', 'windows')}"


def ablate(windows: int, progress: Progress) -> Ablation:
    """Replay the last `windows` scored windows with each ingredient of ours taken away. Raises as backtest."""
    from models.backtest.ablation import ablate_replay

    settings, databases, published = open_published()
    con = open_lake(databases, settings, published)
    try:
        replay, _ = read_replay(con, published, settings, windows, progress)
    finally:
        con.close()
    frame = ablate_replay(replay, published.as_of, report(progress))
    keep(databases, settings, backtest_ablation=frame)
    return Ablation(frame)


def open_published() -> tuple[Settings, Databases, Published]:
    """Settings, databases and what is published. Raises Failure before the first publication."""
    from api.database import open_databases
    from api.publications import current_publication

    settings = get_settings()
    databases = open_databases(settings)
    published = current_publication(databases.operational)
    if published is None:
        raise Failure("Nothing is published yet, so there is no history to replay. `ims run` publishes.")
    return settings, databases, published


def open_lake(databases: Databases, settings: Settings, published: Published) -> duckdb.DuckDBPyConnection:
    """The published snapshot, read-only."""
    from warehouse.lake import connect

    return connect(databases, settings, snapshot=published.snapshot_id, read_only=True)


def read_replay(
    con: duckdb.DuckDBPyConnection, published: Published, settings: Settings, windows: int, progress: Progress
) -> tuple[Replay, Shelf]:
    """The replay with its forecasts, and the chain's own shelf. Raises Failure where history or terms are missing."""
    from models.backtest.calibrate import LEAST_WINDOWS
    from models.backtest.replay import forecast_replay, outline_replay
    from models.backtest.shelf import read_shelf
    from pipelines.frames import read_input, read_output
    from pipelines.known import read_known

    demand, catalog, terms = (read_input(con, name) for name in ("demand", "catalog", "terms"))
    if terms.is_empty():
        raise Failure(
            "The chain states no supply terms, so no order can be replayed. Import supply (docs/import-format.md)."
        )
    row = con.execute("SELECT unmet_demand FROM lake.staging.chain").fetchone()
    assert row is not None, "staging.chain has its one row"
    outline = outline_replay(
        demand,
        catalog,
        terms,
        published.as_of,
        str(row[0]),
        leads=read_output(con, "lead_times"),
        max_windows=windows + LEAST_WINDOWS,
        carrying_rate=settings.holding_rate_per_year,
    )
    if len(outline.windows) <= LEAST_WINDOWS:
        raise Failure(
            "There is too little history to replay: four windows are needed, each as long as an order covers."
        )
    history = outline.history
    con.register("replayed", history.panel.series)
    stock = con.execute(MONDAYS, [history.panel.start, published.as_of]).pl()
    shelf = read_shelf(history, demand, stock, con.execute(LINES).pl())
    # a model for every window, as a live run would have had one; a calibration makes do with six
    n_windows = len(outline.windows)
    replay = forecast_replay(
        outline, demand, catalog, progress=report(progress), max_cutoffs=n_windows, known=read_known(con)
    )
    return replay, shelf


def read_edits(con: duckdb.DuckDBPyConnection, databases: Databases, published: Published) -> pl.DataFrame:
    """What people's decisions on suggestions were worth, one row each, of those whose days are over."""
    import psycopg

    from models.backtest.edits import DECIDED_SCHEMA, value_edits
    from pipelines.frames import read_input

    with psycopg.connect(databases.operational) as operational:
        rows = operational.execute(DECIDED, [published.as_of]).fetchall()
    decided = pl.DataFrame(rows, schema=DECIDED_SCHEMA, orient="row")
    return value_edits(decided, read_input(con, "demand"))


def read_lost(con: duckdb.DuckDBPyConnection, published: Published, truth: pl.DataFrame) -> pl.DataFrame:
    """Lost sales as the mart estimates them against the true ones, by category.

    Raises WrongInput for the truth of another chain: one whose sales are not those of this one.
    """
    from models.backtest.truth import compare_lost

    con.register("truth", truth)
    row = con.execute(ALIKE).fetchone()
    if row is None or row[0] is None or float(row[0]) < LEAST_ALIKE:
        raise WrongInput(
            "What is published is not the demo chain of this profile as this version of IMS makes it: their sales "
            "differ. Name the profile it was made with, or make it anew by `ims demo` on a fresh IMS_HOME."
        )
    estimated = con.execute(LOST).pl()
    categories = con.execute("SELECT sku, category FROM lake.staging.products").pl()
    return compare_lost(estimated, truth, categories, published.as_of)


def keep(databases: Databases, settings: Settings, **frames: pl.DataFrame) -> None:
    """Write frames as tables of `outputs`, in the place of what an earlier backtest left there."""
    from pipelines.frames import write_output
    from warehouse.lake import connect

    con = connect(databases, settings)
    try:
        for name, frame in frames.items():
            write_output(con, name, frame)
    finally:
        con.close()


def report(progress: Progress) -> Callable[[str, float], None]:
    """The progress of models/, as shares of a stage, on a bar."""
    return lambda stage, share: progress(stage, round(100 * share), 100)
