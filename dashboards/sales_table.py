"""The table below the Sales charts: every figure by store and category, and the same as a file."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from api.identity.scope import Scope
from dashboards.downloads import write_csv
from dashboards.figures import Question, ask
from dashboards.formats import format_metric
from dashboards.passport import Passport
from warehouse.metrics import Metric

KEYS = ("store", "category")


def show_table(question: Question, passport: Passport, scope: Scope, metrics: dict[str, Metric]) -> None:
    """One row per store and category, sorted by what was asked for."""
    names = tuple(metrics)
    rows = ask(passport.snapshot_id, scope, replace(question, names=names, by=KEYS))
    rows = rows.sort(question.names[0], descending=True, nulls_last=True)
    st.markdown("**By store and category**")
    table = rows.to_pandas()
    for name in names:
        table[name] = table[name].astype(float)
    words = {
        name: lambda value, unit=metric.unit: format_metric(value, unit, passport.currency)
        for name, metric in metrics.items()
    }
    config = {"store": "Store", "category": "Category"} | {
        name: st.column_config.NumberColumn(metric.label, help=metric.description) for name, metric in metrics.items()
    }
    st.dataframe(
        table.style.format(words, na_rep="–"),
        hide_index=True,
        column_config=config,
        alt="Every figure by store and category",
    )
    st.download_button(
        "CSV",
        lambda: write_csv(rows),
        f"sales-{question.begin}-{question.end}-snapshot-{passport.snapshot_id}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
