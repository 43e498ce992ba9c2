"""Lens power grid: which powers do eyes need, which are in the drawer, and what is missing most."""

from __future__ import annotations

import datetime as dt
from functools import partial

import polars as pl
import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from dashboards import palette
from dashboards.charts.powers import Cell, draw_powers, spell_power
from dashboards.downloads import write_csv, write_table
from dashboards.figures import Question, ask, may_see
from dashboards.files import TYPES, File, offer
from dashboards.filters import choose_one, choose_store
from dashboards.header import show_header
from dashboards.messages import say, say_no_store
from dashboards.passport import Passport
from dashboards.reader import read_places
from dashboards.style import wide
from dashboards.tile_rows import Tile, show_tiles
from warehouse.catalogue import catalogue
from warehouse.formats import count_of, format_metric

PERMISSION, EXPORT = "report:stock", "export:plain"
TITLE, LEAD = "Lens power grid", "Which powers do eyes need that are not in the drawer?"
GRID = ("power_gap_eyes", "power_eyes", "power_units")
SOLD = "units_sold"
SOLD_DAYS = 91
TILES = ("power_grid_coverage", "prescriptions_served_share", "power_units", "powers_stocked")
WORST = 12
POWERS = ("sphere", "cylinder")


def show(passport: Passport, user: SignedIn) -> None:
    """The view."""
    scope = scope_of(user, PERMISSION)
    show_header(TITLE, LEAD, passport, scope.store_codes)
    if scope.store_codes == frozenset():
        say_no_store()
        return
    lines = ask(passport.snapshot_id, scope, Question(("power_units",), ("lens_line",)))
    names = sorted(name for name in lines["lens_line"] if name)
    if not names:
        say(
            "No lenses are stocked by power",
            "The grid needs products with `sph` and `cyl` in their attributes (`products.csv`), and an assortment that "
            "ranges them.",
            "grid_on",
        )
        return
    store, line, figure = _ask_reader(passport, scope, names)
    question = Question((), POWERS, store=store, where=(("lens_line", line),))
    cells = read_cells(passport, scope, question)
    _show_tiles(passport, scope, question)
    _show_worst(cells)
    metric = catalogue()[figure]
    st.markdown(f"**{metric.label}**", help=metric.description)
    values = {cell: row[figure] for cell, row in cells.items() if row.get(figure) is not None}
    if not values:
        st.caption("Nothing of it in this choice.")
        return

    def words(value: float) -> str:
        return format_metric(value, metric.unit, passport.currency, compact=True)

    with wide("powers"):
        palette.show(
            draw_powers(values, lambda cell: _say(cells.get(cell, {})), words, better=metric.better),
            key=f"grid-{figure}-{line}-{store}",
            alt=f"{metric.label} by sphere and cylinder",
        )
    _offer(user, passport, question)


def read_cells(passport: Passport, scope: Scope, question: Question) -> dict[Cell, dict[str, float]]:
    """The figures of each power, by (sphere, cylinder)."""
    frame = read_frame(passport, scope, question)
    names = frame.columns[2:]
    return {
        (float(row["sphere"]), float(row["cylinder"])): {
            name: float(row[name]) for name in names if row[name] is not None
        }
        for row in frame.iter_rows(named=True)
    }


def read_frame(passport: Passport, scope: Scope, question: Question) -> pl.DataFrame:
    """One row per power: what eyes need, what is on hand, what was sold in 13 weeks where that may be seen."""
    given = {"by": POWERS, "store": question.store, "where": question.where}
    grid = ask(passport.snapshot_id, scope, Question(GRID, **given))  # type: ignore[arg-type]
    if may_see(catalogue()[SOLD], scope):
        begin = passport.data_as_of - dt.timedelta(days=SOLD_DAYS)
        end = passport.data_as_of - dt.timedelta(days=1)
        sold = ask(passport.snapshot_id, scope, Question((SOLD,), begin=begin, end=end, **given))  # type: ignore[arg-type]
        grid = grid.join(sold, on=list(POWERS), how="full", coalesce=True)
    return grid.drop_nulls(list(POWERS)).sort(pl.col("sphere").cast(pl.Float64), pl.col("cylinder").cast(pl.Float64))


def _ask_reader(passport: Passport, scope: Scope, lines: list[str]) -> tuple[str | None, str, str]:
    stores, _ = read_places(passport.snapshot_id, scope)
    figures = [name for name in (*GRID, SOLD) if may_see(catalogue()[name], scope)]
    labels = {name: catalogue()[name].label for name in figures} | {SOLD: "Sold in 13 weeks"}
    left, middle, right = st.columns(3)
    store = choose_store(left, stores)
    line = choose_one(middle, "Lens line", lines[0], lines, "line")
    figure = choose_one(right, "Show", labels[figures[0]], figures, "figure", lambda name: labels[name])
    return store, line or lines[0], figure or figures[0]


def _show_tiles(passport: Passport, scope: Scope, question: Question) -> None:
    metrics = [catalogue()[name] for name in TILES if may_see(catalogue()[name], scope)]
    asked = Question(tuple(metric.name for metric in metrics), store=question.store, where=question.where)
    found = ask(passport.snapshot_id, scope, asked).row(0, named=True)
    show_tiles(
        [
            Tile(m.label, format_metric(found[m.name], m.unit, passport.currency, compact=True), m.description)
            for m in metrics
        ]
    )


def _say(row: dict[str, float]) -> str:
    parts = [f"{catalogue()[name].label.lower()}: {row.get(name, 0):.0f}" for name in ("power_eyes", "power_units")]
    if SOLD in row:
        parts.append(f"sold in 13 weeks: {row[SOLD]:.0f}")
    return "<br>".join(parts)


def _show_worst(cells: dict[Cell, dict[str, float]]) -> None:
    short = [(cell, row) for cell, row in cells.items() if row.get("power_gap_eyes")]
    if not short:
        st.markdown(":material/check_circle: Every power that eyes need has its pair.")
        return
    short.sort(key=lambda pair: -pair[1]["power_gap_eyes"])
    st.markdown(f"**Missing most**: {count_of(len(short), 'power')} that eyes need have no pair in the drawer")
    st.dataframe(
        [
            {"sphere": spell_power(cell[0]), "cylinder": spell_power(cell[1])}
            | {"eyes": row["power_gap_eyes"], "on_hand": row.get("power_units"), "sold": row.get(SOLD)}
            for cell, row in short[:WORST]
        ],
        hide_index=True,
        placeholder="–",
        column_config={
            "sphere": "Sphere",
            "cylinder": "Cylinder",
            "eyes": st.column_config.NumberColumn("Eyes that need it", format="localized"),
            "on_hand": st.column_config.NumberColumn("On hand", format="localized"),
            "sold": st.column_config.NumberColumn("Sold in 13 weeks", format="localized"),
        },
        alt="Powers that are missing most",
    )


def _offer(user: SignedIn, passport: Passport, question: Question) -> None:
    about = {"store": question.store, "lens_line": dict(question.where)["lens_line"]}

    def write(form: str, scope: Scope) -> tuple[bytes, int]:
        frame = read_frame(passport, scope, question)
        labels = {name: catalogue()[name].label for name in (*GRID, SOLD)}
        return write_csv(frame) if form == "csv" else write_table(frame, labels, passport, about), frame.height

    stem = f"powers-{passport.as_of}-snapshot-{passport.snapshot_id}"
    files = [File("powers", f"{stem}.{form}", PERMISSION, EXPORT, partial(write, form), about) for form in TYPES]
    if files[0].may_be_taken(user):
        with st.container(horizontal=True):
            for label, file in zip(("CSV", "Excel"), files, strict=True):
                offer(label, file)
