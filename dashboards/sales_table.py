"""The table below the Sales charts: every figure by store and category, and the same as a file."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope
from dashboards.downloads import write_csv
from dashboards.figures import Question, ask, daily_metrics
from dashboards.files import File, offer
from dashboards.passport import Passport
from warehouse.formats import format_metric
from warehouse.metrics import Metric

KEYS = ("store", "category")


def show_table(question: Question, passport: Passport, scope: Scope, metrics: dict[str, Metric]) -> None:
    """One row per store and category, sorted by what was asked for."""
    rows = _read(question, passport, scope)
    st.markdown("**By store and category**")
    table = rows.to_pandas()
    for name in metrics:
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


def offer_table(user: SignedIn, question: Question, passport: Passport, permission: str, export: str) -> None:
    """The table as a file, for whoever may take it."""

    def write(scope: Scope) -> tuple[bytes, int]:
        rows = _read(question, passport, scope)
        return write_csv(rows), rows.height

    about = {
        "begin": str(question.begin),
        "end": str(question.end),
        "store": question.store,
        "category": question.category,
        "snapshot_id": passport.snapshot_id,
    }
    name = f"sales-{question.begin}-{question.end}-snapshot-{passport.snapshot_id}.csv"
    file = File("sales", name, permission, export, write, about)
    if file.may_be_taken(user):
        offer("CSV", file)


def _read(question: Question, passport: Passport, scope: Scope) -> pl.DataFrame:
    names = tuple(daily_metrics(scope))
    rows = ask(passport.snapshot_id, scope, replace(question, names=names, by=KEYS))
    return rows.sort(question.names[0], descending=True, nulls_last=True)
