"""`ims metrics`: the figures by name, what each means, and their values at what is published."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ims.failure import Failure, WrongInput

if TYPE_CHECKING:
    import duckdb
    import polars as pl

app = typer.Typer(help="The figures: what each means, and what it is.", no_args_is_help=True)


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


class Comparison(StrEnum):
    """What the days asked for are compared with."""

    previous = "previous"
    last_year = "last_year"
    last_year_aligned = "last_year_aligned"
    target = "target"


@app.command("list")
def list_metrics(
    word: Annotated[str, typer.Argument(help="Only those with this word in name, label or KPI number.")] = "",
) -> None:
    """Every figure: its name, KPI number, unit and label."""
    from warehouse.catalogue import catalogue

    found = [
        metric
        for metric in catalogue().values()
        if word.lower() in f"{metric.name} {metric.label} {metric.kpi or ''}".lower()
    ]
    if not found:
        raise WrongInput(f"No figure has {word!r} in its name, label or KPI number. `ims metrics list` shows all.")
    width = max(len(metric.name) for metric in found)
    for metric in found:
        typer.echo(f"{metric.name:<{width}}  {metric.kpi or '':<4} {metric.unit:<15} {metric.label}")


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="From `ims metrics list`.")]) -> None:
    """What a figure means and how it is computed."""
    from warehouse.catalogue import catalogue

    metric = catalogue().get(name)
    if metric is None:
        raise WrongInput(f"There is no figure {name!r}.{_nearest(name)}")
    typer.echo(f"{metric.label} ({metric.unit}{f', KPI {metric.kpi}' if metric.kpi else ''})")
    typer.echo(metric.description)
    typer.echo(f"= {metric.expression}" + (f"  from {metric.table}" if metric.table else ""))
    typer.echo(f"split by: {', '.join(metric.splits) or 'nothing'}")


@app.command("query")
def query(
    names: Annotated[list[str], typer.Argument(help="Figures, from `ims metrics list`.")],
    by: Annotated[str, typer.Option("--by", help="Dimensions to split by: store,month")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="category=frames, store=S01,S02, day=2025-01-01..2025-03-31; may be repeated."),
    ] = None,
    compare: Annotated[
        Comparison | None, typer.Option("--compare", help="Beside another time or a target; needs --where day=a..b.")
    ] = None,
    written: Annotated[Format, typer.Option("--format", help="table for people, csv and json for programs.")] = (
        Format.table
    ),
) -> None:
    """Figures of what is published.

    For example: ims metrics query net_sales gross_margin_share --by store,month --where category=frames
    """
    from warehouse.scope import InvalidQuery, NotAllowed

    con, as_of = _published()
    try:
        found = _ask(con, names, [each.strip() for each in by.split(",") if each.strip()], where or [], compare)
    except (InvalidQuery, NotAllowed) as refusal:
        unknown = next((name for name in names if f"{name!r}" in str(refusal)), "")
        said = str(refusal).split("; known:")[0] + "." + _nearest(unknown) if unknown else f"{refusal}."
        raise WrongInput(said) from None
    if written is Format.csv:
        sys.stdout.write(found.write_csv())
    elif written is Format.json:
        sys.stdout.write(found.write_json() + "\n")
    else:
        _print_table(found, as_of)


def _ask(
    con: duckdb.DuckDBPyConnection, names: list[str], by: list[str], where: list[str], compare: Comparison | None
) -> pl.DataFrame:
    from warehouse.comparison import compare as beside
    from warehouse.metrics import query as ask
    from warehouse.questions import read_filters
    from warehouse.scope import Scope

    # whoever runs commands on this machine reads the whole warehouse anyway: `ims sql` does too
    scope = Scope(stores=None, can_see_cost=True)
    filters = read_filters(con, where, scope=scope)
    if compare is not None:
        return beside(con, names, by, filters, to=compare.value, scope=scope)
    return ask(con, names, by, filters, scope=scope)


def _published() -> tuple[duckdb.DuckDBPyConnection, str]:
    from api.database import open_databases
    from api.publications import current_publication
    from ims.settings import get_settings
    from warehouse.lake import connect

    settings = get_settings()
    databases = open_databases(settings)
    current = current_publication(databases.operational)
    if current is None:
        raise Failure("Nothing is published yet. `ims run` publishes once its blocking checks pass.")
    con = connect(databases, settings, snapshot=current.snapshot_id, read_only=True)
    return con, f"as of {current.as_of}, snapshot {current.snapshot_id}"


def _print_table(found: pl.DataFrame, as_of: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from warehouse.catalogue import catalogue

    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=as_of, caption_justify="left")
    for name, kind in found.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left")
    shares = {name for name, metric in catalogue().items() if metric.unit == "share"}
    percent = {name for name in found.columns if name in shares or name.endswith("_share")}
    for row in found.iter_rows(named=True):
        table.add_row(*(_written(value, name in percent) for name, value in row.items()))
    Console().print(table)


def _written(value: object, is_share: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.1%}" if is_share else f"{value:,.2f}"
    return str(value)


def _nearest(name: str) -> str:
    import difflib

    from warehouse.catalogue import catalogue

    near = difflib.get_close_matches(name, catalogue(), n=3, cutoff=0.5)
    return f" Nearest: {', '.join(near)}." if near else " `ims metrics list` shows all."
