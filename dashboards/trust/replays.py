"""Back-tests: what ordering by IMS would have cost on windows of history, beside rules of thumb; and what buys it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards import palette
from dashboards.filters import choose_one
from dashboards.passport import Passport
from dashboards.trust.charts import draw_ablation, draw_replays
from dashboards.trust.reading import read
from dashboards.trust.words import STARTS, policy
from warehouse.formats import count_of, format_compact_money, format_day, format_share
from warehouse.wording import reason_in_words

LEARN = """No history was replayed yet. `ims backtest` orders again, window by window, what IMS, rules of thumb and the
chain itself would have ordered, counts holding and shortage of each, and writes it into the warehouse:

    ims backtest --windows 8            # cost by window, beside tuned weeks of cover
    ims backtest --windows 8 --ablate   # and what each ingredient of the policy saves

Then `ims run` publishes it, and it stands here."""


def show_replays(passport: Passport, *, sees_cost: bool) -> None:
    """Cost by window, means, ingredients, decisions of people, lost sales."""
    windows = read(passport.snapshot_id, "replays", sees_cost=sees_cost)
    means = read(passport.snapshot_id, "replay_means", sees_cost=sees_cost)
    if windows is None or means is None:
        st.markdown(LEARN)
        return
    start, segment = _ask(windows)
    kept = (pl.col("starts_from") == start) & (pl.concat_str("segment_by", "segment", separator=":") == segment)
    windows, means = windows.filter(kept), means.filter(kept)
    _say(means)
    lines = {
        code: (part["window_starts_on"].to_list(), part["ratio"].to_list())
        for code in means["policy"]
        if not (part := windows.filter(pl.col("policy") == code)).is_empty()
    }
    palette.show(draw_replays(lines), key="replays", alt="Cost by window and policy")
    _show_means(means, passport, sees_cost=sees_cost)
    _show_ablation(passport.snapshot_id)
    _show_decisions(passport, sees_cost=sees_cost)
    _show_lost_sales(passport.snapshot_id)


def _ask(windows: pl.DataFrame) -> tuple[str, str]:
    left, middle, _ = st.columns([1, 1, 1])
    starts = windows["starts_from"].unique().sort(descending=True).to_list()
    start = choose_one(
        left, "Starts from", STARTS.get(starts[0], starts[0]), starts, "start", lambda s: STARTS.get(s, s)
    )
    pairs = windows.select("segment_by", "segment").unique(maintain_order=True).rows()
    names = {f"{by}:{name}": "All items" if by == "all" else f"{by.capitalize()}: {name}" for by, name in pairs}
    usual = "all:" if "all:" in names else next(iter(names))
    part = choose_one(middle, "Of", names[usual], list(names), "part", lambda key: names[key])
    return start or starts[0], part or usual


def _say(means: pl.DataFrame) -> None:
    ours = means.filter(pl.col("policy") == "ours").to_dicts()
    if not ours or ours[0]["ratio"] is None:
        return
    saved = 1 - ours[0]["ratio"]
    word = "less" if saved >= 0 else "more"
    st.markdown(
        f"Ordering by IMS costs **{format_share(abs(saved))} {word}** than tuned weeks of cover, the mean of "
        f"{count_of(ours[0]['windows'], 'window')}; cheaper in {ours[0]['won']} of them."
    )


def _show_means(means: pl.DataFrame, passport: Passport, *, sees_cost: bool) -> None:
    rows = [
        {
            "policy": policy(row["policy"]),
            "ratio": row["ratio"],
            "won": f"{row['won']} of {row['windows']}",
            "fill": None if row["fill_rate"] is None else row["fill_rate"] * 100,
            "stock": row["stock_qty"],
        }
        | ({"cost": format_compact_money(row["cost"], passport.currency)} if sees_cost else {})
        for row in means.iter_rows(named=True)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "policy": "Policy",
            "ratio": st.column_config.NumberColumn("Cost", format="%.3f", help="Tuned weeks of cover = 1."),
            "won": st.column_config.TextColumn("Cheaper in", help="Windows cheaper than tuned weeks of cover."),
            "fill": st.column_config.NumberColumn("Served", format="%.1f %%", help="Units served of units asked for."),
            "stock": st.column_config.NumberColumn("Stock", format="localized", help="Mean units on the shelf."),
            "cost": st.column_config.TextColumn("Cost of a window"),
        },
        alt="Policies, the cheapest first",
    )


def _show_ablation(snapshot_id: int) -> None:
    found = read(snapshot_id, "ablation", sees_cost=False)
    if found is None:
        st.caption("`ims backtest --ablate` says what each ingredient saves.")
        return
    found = found.filter(pl.col("variant") != "ours")
    st.markdown("**What each ingredient saves**", help="The same windows replayed without it, the rest tuned anew.")
    names = [name.replace("_", " ").capitalize() for name in found["variant"]]
    palette.show(
        draw_ablation(names, found["buys"].to_list(), found["buys_error"].to_list()),
        key="ablation",
        alt="What each ingredient of the policy saves",
    )


def _show_decisions(passport: Passport, *, sees_cost: bool) -> None:
    found = read(passport.snapshot_id, "decisions", sees_cost=sees_cost)
    if found is None:
        return
    st.markdown("**What people's own quantities were worth**", help="Against the suggestion, on the demand that came.")
    st.dataframe(
        [
            {"why": reason_in_words(row["why"]), "decisions": row["decisions"], "better": row["better"]}
            | {"worse": row["worse"]}
            | ({"saved": format_compact_money(row["saved_cost"], passport.currency)} if sees_cost else {})
            for row in found.iter_rows(named=True)
        ],
        hide_index=True,
        column_config={
            "why": "Why",
            "decisions": "Decisions",
            "better": "Cheaper",
            "worse": "Dearer",
            "saved": "Saved",
        },
        alt="Decisions other than suggested",
    )


def _show_lost_sales(snapshot_id: int) -> None:
    found = read(snapshot_id, "lost_sales", sees_cost=False)
    if found is None:
        return
    day = format_day(found["as_of"][0])
    st.markdown(
        "**Lost sales: estimated against true**", help="Known only of an invented chain, whose demand is known."
    )
    st.dataframe(
        found.drop("as_of"),
        hide_index=True,
        column_config={
            "category": "Category",
            "true_lost_qty": st.column_config.NumberColumn("Truly lost", format="localized"),
            "estimated_lost_qty": st.column_config.NumberColumn("Estimated", format="localized"),
            "ratio": st.column_config.NumberColumn("Ratio", format="%.2f"),
        },
        alt=f"Lost units before {day}",
    )
