"""`ims metrics`: the figures by name, what each means, and their values at what is published."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ims.failure import WrongInput

if TYPE_CHECKING:
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
    if metric.missing:
        typer.echo(f"empty everywhere: {metric.missing}")
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
    from ims.commands.published import open_published
    from warehouse.comparison import compare as beside
    from warehouse.metrics import query as ask
    from warehouse.questions import read_filters
    from warehouse.scope import InvalidQuery, NotAllowed, Scope

    # whoever runs commands on this machine reads the whole warehouse anyway: `ims sql` does too
    scope = Scope(stores=None, can_see_cost=True)
    split = [each.strip() for each in by.split(",") if each.strip()]
    con, current = open_published()
    try:
        filters = read_filters(con, where or [], scope=scope)
        if compare is None:
            found = ask(con, names, split, filters, scope=scope)
        else:
            found = beside(con, names, split, filters, to=compare.value, scope=scope)
    except (InvalidQuery, NotAllowed) as refusal:
        unknown = next((name for name in names if f"{name!r}" in str(refusal)), "")
        said = str(refusal).split("; known:")[0] + "." + _nearest(unknown) if unknown else f"{refusal}."
        raise WrongInput(said) from None
    if written is Format.csv:
        sys.stdout.write(found.write_csv())
    elif written is Format.json:
        sys.stdout.write(found.write_json() + "\n")
    else:
        _print_table(found, "; ".join([f"as of {current.as_of}, snapshot {current.snapshot_id}", *_missing(names)]))


def _print_table(found: pl.DataFrame, as_of: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from warehouse.catalogue import catalogue

    if "note" in found.columns and found["note"].null_count() == found.height:
        found = found.drop("note")
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=as_of, caption_justify="left")
    for name, kind in found.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left")
    shares = {name for name, metric in catalogue().items() if metric.unit == "share"}
    percent = {name for name in found.columns if name in shares or name.endswith("_share")}
    for row in found.iter_rows(named=True):
        table.add_row(*(_written(value, name in percent) for name, value in row.items()))
    Console().print(table)


def _missing(names: list[str]) -> list[str]:
    """Why figures that nobody can tell are empty."""
    from warehouse.catalogue import catalogue

    return [f"{name} is empty: {catalogue()[name].missing}" for name in names if catalogue()[name].missing]


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
