"""How past forecasts did, week by week, and which method forecasts each segment."""

from __future__ import annotations

import re

import polars as pl
import streamlit as st

from dashboards import palette
from dashboards.filters import choose_one
from dashboards.problems import literal
from dashboards.trust.charts import draw_weeks
from dashboards.trust.reading import read
from dashboards.trust.trials import NOT_YET, say_trials
from dashboards.trust.words import ALERTS, in_words, method
from warehouse.formats import count_of, format_day

CHAIN = "all"
HEADING = re.compile(r"^#", re.MULTILINE)  # two levels further down, as part of a page
LEARN = "No forecast week is over yet. `ims backtest` judges what orders would have cost on history at once."


def show_alerts(snapshot_id: int) -> None:
    """One sentence: nothing wrong, or what is."""
    alerts = read(snapshot_id, "alerts", sees_cost=False)
    if alerts is None and read(snapshot_id, "champions", sees_cost=False) is None:
        st.info("**Nothing can be said yet.** No published run has tried its forecasts on the past.")
        return
    if alerts is None and read(snapshot_id, "accuracy", sees_cost=False) is None:
        st.info(f"{NOT_YET} {say_trials(snapshot_id)}")
        return
    if alerts is None:
        st.success("**Yes, as far as can be told.** The last eight weeks say nothing beyond noise.")
        return
    st.warning(f"**Look at {count_of(alerts.height, 'thing')}.** What the last weeks and trials say beyond noise:")
    for row in alerts.iter_rows(named=True):
        name = "The chain" if row["segment"] == CHAIN else row["segment"]
        now = f" Forecast by {method(row['fallback']).lower()} now." if row["fallback"] else ""
        what, why = ALERTS.get(row["alert"], row["alert"]).lower(), literal(in_words(row["message"]))
        st.markdown(f"- **{literal(name)}: {what}.** {why}.{now}")


def show_accuracy(snapshot_id: int) -> None:
    """Error, bias and coverage by week of a segment."""
    weeks = read(snapshot_id, "accuracy", sees_cost=False)
    if weeks is None:
        st.markdown(LEARN)
        return
    names = weeks["segment"].unique(maintain_order=True).to_list()
    words = {name: "The chain" if name == CHAIN else name for name in names}
    left, _ = st.columns([1, 2])
    usual = CHAIN if CHAIN in names else names[0]
    segment = choose_one(left, "Segment", words[usual], names, "segment", lambda name: words[name]) or usual
    shown = weeks.filter(pl.col("segment") == segment)
    days = shown["week_starting_on"].to_list()
    _draw(
        "Error",
        "Units off, whichever way, of units asked for (WAPE). Weeks on the shelf only. Lower is better.",
        draw_weeks(days, {"IMS": _values(shown, "error_ratio"), "13-week mean": _values(shown, "baseline_ratio")}),
        segment,
    )
    left, right = st.columns(2, gap="large")
    with left:
        _draw(
            "Bias",
            "Expected less asked for, of asked for. Above 0: too much.",
            draw_weeks(days, {"Bias": _values(shown, "bias_ratio")}, target=0.0, target_label="none"),
            segment,
        )
    with right:
        _draw(
            "Coverage of the 90 % quantile",
            "How often demand stayed below it; it should nine times in ten.",
            draw_weeks(days, {"Covered": _values(shown, "p90_cover_share")}, target=0.9, target_label="90 %"),
            segment,
        )
    st.caption(f"Weeks from {format_day(days[0])} on, each judged by forecasts kept before it came.")


def show_champions(snapshot_id: int) -> None:
    """Who forecasts each segment, and why it is not the next best."""
    champions = read(snapshot_id, "champions", sees_cost=False)
    if champions is None:
        st.markdown("No run has chosen yet. Every run tries the methods at past origins and keeps the best by segment.")
        return
    st.caption("A challenger takes a segment only when it is better at past origins by more than noise.")
    st.dataframe(
        [
            {
                "segment": row["segment"],
                "champion": method(row["champion"]) + (" (new)" if row["is_changed"] else ""),
                "loss": row["champion_loss"],
                "rival": method(row["rival"]),
                "rival_loss": row["rival_loss"],
                "rows": row["trial_rows"],
                "why": in_words(row["reason"]),
            }
            for row in champions.iter_rows(named=True)
        ],
        hide_index=True,
        column_config={
            "segment": "Segment",
            "champion": "Forecast by",
            "loss": st.column_config.NumberColumn("Loss", format="%.3f", help="Pinball loss of three weeks, in units."),
            "rival": "Next best",
            "rival_loss": st.column_config.NumberColumn("Its loss", format="%.3f"),
            "rows": st.column_config.NumberColumn("Tried on", format="localized", help="Runs of three weeks."),
            "why": st.column_config.TextColumn("Why", width="large"),
        },
        alt="Who forecasts each segment",
    )


def show_card(snapshot_id: int) -> None:
    """The model card of a version."""
    models = read(snapshot_id, "models", sees_cost=False)
    if models is None:
        st.markdown("No forecast is registered yet. Every run registers its own, with its model card.")
        return
    cards = {row["version"]: row for row in models.iter_rows(named=True)}
    newest = next(iter(cards))
    left, _ = st.columns([1, 2])
    version = choose_one(left, "Version", newest, list(cards), "version") or newest
    card = cards[version]
    st.caption(
        f"Made from snapshot {card['snapshot_id']}. `ims forecast again {version}` makes it once more, the same."
    )
    with st.container(border=True):
        st.markdown(HEADING.sub("###", card["card"]))


def _draw(title: str, says: str, figure: object, segment: str) -> None:
    st.markdown(f"**{title}**", help=says)
    palette.show(figure, key=f"{title}-{segment}", alt=f"{title} by week. {says}")


def _values(frame: pl.DataFrame, name: str) -> list[float | None]:
    return frame[name].to_list()
