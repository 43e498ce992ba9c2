"""The table below the Sales charts: every figure by store and category, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import polars as pl
import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope
from dashboards.downloads import write_csv, write_table
from dashboards.figures import Question, ask, daily_metrics
from dashboards.files import TYPES, File, offer
from dashboards.members import name_members
from dashboards.passport import Passport
from dashboards.tiles import LEAST_ESTIMATED
from warehouse.catalogue import ESTIMATED
from warehouse.formats import format_metric
from warehouse.metrics import Metric

KEYS = ("store", "category")
# what most people look for stands first
FIRST = (
    "net_sales",
    "units_sold",
    "average_price",
    "gross_margin",
    "gross_margin_share",
    "discount_rate",
    "returns_share",
)


def show_table(
    user: SignedIn, question: Question, passport: Passport, scope: Scope, metrics: dict[str, Metric]
) -> None:
    """One row per store and category, sorted by what was asked for."""
    rows = _read(question, passport, scope)
    st.markdown("**By store and category**")
    metrics = {name: metrics[name] for name in _in_order(metrics, question.names[0]) if _says_something(rows, name)}
    stores = name_members("store", rows["store"], passport.snapshot_id, scope, user)
    table = rows.with_columns(pl.Series("store", stores)).to_pandas()
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
        column_order=list(config),
        alt="Every figure by store and category",
    )


def _says_something(rows: pl.DataFrame, name: str) -> bool:
    """The part of a figure that is estimated stands in the table where some is."""
    return not name.endswith(ESTIMATED) or bool(rows.select(pl.col(name).max() >= LEAST_ESTIMATED).item())


def _in_order(names: Iterable[str], chosen: str) -> list[str]:
    """What was asked for, then what most look for, then the rest."""
    return list(dict.fromkeys(name for name in (chosen, *FIRST, *names) if name in set(names)))


def offer_table(user: SignedIn, question: Question, passport: Passport, permission: str, export: str) -> None:
    """The table as a file, for whoever may take it."""

    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        rows = _read(question, passport, scope)
        labels = {"store": "Store", "category": "Category"} | {
            name: metric.label for name, metric in daily_metrics(scope).items()
        }
        return write_csv(rows) if form == "csv" else write_table(rows, labels, passport, about), rows.height

    about = {
        "begin": str(question.begin),
        "end": str(question.end),
        "store": question.store,
        "category": question.category,
        "snapshot_id": passport.snapshot_id,
    }
    stem = f"sales-{question.begin}-{question.end}-snapshot-{passport.snapshot_id}"
    files = [File("sales", f"{stem}.{form}", permission, export, partial(write, form), about) for form in TYPES]
    if files[0].may_be_taken(user):
        with st.container(horizontal=True, gap="small"):
            for label, file in zip(("CSV", "Excel"), files, strict=True):
                offer(label, file)


def _read(question: Question, passport: Passport, scope: Scope) -> pl.DataFrame:
    names = tuple(daily_metrics(scope))
    rows = ask(passport.snapshot_id, scope, replace(question, names=names, by=KEYS))
    return rows.sort(question.names[0], descending=True, nulls_last=True)
