"""What became of suggestions, from what was decided and what the files say was sold: F6; what a policy is worth: F5."""

from __future__ import annotations

from statistics import fmean, median

import numpy as np
import polars as pl
import pytest

from models.backtest.calibrate import calibrate_replay
from models.backtest.replay import forecast_replay, outline_replay
from models.backtest.windows import list_origins
from models.forecast.engine import Forecast
from pipelines.frames import read_input, write_output
from tests.sql.oracle.kept import ONE, build, sold
from tests.sql.oracle.told import compare, is_same

STATES = ("approved", "edited", "refused", "ordered", "received")


@pytest.fixture(scope="module")
def decided(ci):
    """A hundred and twenty suggestions, decided in every way, half of them with days still to come."""
    pairs = sorted({(store, sku) for store, sku, _ in sold(ci)})
    rows = []
    for number in range(120):
        store, sku = pairs[number * len(pairs) // 120]
        as_of = ci.as_of - (100 if number % 2 else 10) * ONE
        state, quantity = STATES[number % 5], 1 + number % 7
        approved = quantity + number % 4 - 1 if number % 3 == 0 and state != "refused" else None
        rows.append(
            (number + 1, store, sku, as_of, state, quantity, approved, number % 3, number % 2, as_of + 40 * ONE)
        )
    names = ["id", "store", "sku", "as_of", "state", "suggested", "approved", "on_hand", "on_order", "until"]
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    ci.con.register("decided", frame)
    given = {
        "suggestion_id": "d.id", "as_of": "d.as_of", "state": "d.state", "kind": "'purchase'", "store_id": "s.store_id",
        "product_id": "p.product_id", "suggested_qty": "d.suggested", "order_by": "d.as_of",
        "arrives_on": "d.as_of + 7",
        "approved_qty": "d.approved", "publication_id": "1", "on_hand": "d.on_hand", "on_order": "d.on_order",
        "covers_until": "d.until", "expected_demand": "1.0", "reason": "'BELOW_TARGET'", "updated_at": "now()",
        "changed_xid": "1",
    }  # fmt: skip
    ci.con.execute(
        f"INSERT INTO lake.raw.suggestions ({', '.join(given)}) SELECT {', '.join(given.values())} FROM decided AS d"
        " JOIN lake.raw.stores AS s ON s.store_code = d.store JOIN lake.raw.products AS p ON p.sku = d.sku"
    )
    ci.con.unregister("decided")
    build(ci, "staging.suggestions", "marts.fct_suggestions")
    return frame


@pytest.mark.recomputes("adoption_share", "change_ratio_median", "override_value_units")
def test_what_became_of_suggestions(ci, decided):
    taken, ratios, better = {}, {}, {}
    for row in decided.iter_rows(named=True):
        store = row["store"]
        is_taken = row["state"] != "refused"
        taken.setdefault(store, []).append(is_taken)
        if not is_taken:
            continue
        quantity = row["suggested"] if row["approved"] is None else row["approved"]
        ratios.setdefault(store, []).append(abs(quantity - row["suggested"]) / row["suggested"])
        if row["until"] <= ci.as_of:
            wanted = sum(
                units for (each, sku, day), units in sold(ci).items()
                if (each, sku) == (store, row["sku"]) and row["as_of"] <= day < row["until"]
            )  # fmt: skip
            there = row["on_hand"] + row["on_order"]
            gain = abs(there + row["suggested"] - wanted) - abs(there + quantity - wanted)
            better[store] = better.get(store, 0) + gain
    compare(ci, "adoption_share", "store", pl.DataFrame([(s, fmean(v)) for s, v in taken.items()], orient="row"))
    compare(ci, "change_ratio_median", "store", pl.DataFrame([(s, median(v)) for s, v in ratios.items()], orient="row"))
    compare(ci, "override_value_units", "store", pl.DataFrame([*better.items()], orient="row"))
    assert any(better.values())


@pytest.fixture(scope="module")
def replayed(ci):
    """A replay of thirty pairs by forecasts of their mean of ten weeks, written as a run writes its calibration."""
    frames = {name: read_input(ci.con, name) for name in ("demand", "catalog", "terms")}
    frames["terms"] = frames["terms"].filter(
        pl.col("shortage_cost_per_unit").is_not_null() | pl.col("unit_cost").is_not_null()
    )
    outline = outline_replay(**frames, as_of=ci.as_of, unmet_demand="lost", n_paths=50, max_series=30)
    panel, made = outline.history.panel, []
    for origin in list_origins(outline.history, outline.windows):
        week = panel.index_of(origin)
        mean = np.nanmean(panel.demand[:, week - 10 : week], axis=1, keepdims=True) * np.ones((1, 12))
        spread = np.full(mean.shape[0], 0.1)
        made.append(Forecast(origin, panel.series, mean, spread, spread, None, np.full(mean.shape[0], "flat")))
    replay = forecast_replay(outline, frames["demand"], frames["catalog"], made)
    found = calibrate_replay(replay, ci.as_of)
    write_output(ci.con, "calibration", found)
    return found


@pytest.mark.recomputes("policy_cost_ratio", "policy_baseline_cost")
def test_what_the_policy_is_worth(ci, replayed):
    """The ratio is the lowest mean over windows of a cell's money / that of the baseline."""
    money = replayed.filter(pl.col("kind") == "baseline").select("window_starts_on", base="cost")
    cells = replayed.filter(pl.col("kind") == "cell").join(money, on="window_starts_on").filter(pl.col("base") > 0)
    means = cells.group_by("bias", "tau_shift").agg((pl.col("cost") / pl.col("base")).mean().alias("ratio"))
    assert money.height >= 3
    assert is_same("policy_cost_ratio", ci.ask("policy_cost_ratio").item(), means["ratio"].min())
    assert is_same("policy_baseline_cost", ci.ask("policy_baseline_cost").item(), money["base"].sum())
    assert money["base"].sum() > 0
