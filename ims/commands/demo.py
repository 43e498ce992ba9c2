"""`ims demo`: a demo chain, loaded, run and served."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ims.commands.checks import waive
from ims.commands.importing import import_chain
from ims.commands.run import run
from ims.commands.serve import announce_admin, check_port, dagster_ui, serve_web
from ims.failure import Blocked
from ims.progress import progress_bar

WAIVED_DAYS = 30
WHO_MAY = """SELECT username FROM users JOIN user_roles USING (user_id)
WHERE role IN ('superadmin', 'analyst') AND is_active ORDER BY user_id LIMIT 1"""


class Profile(StrEnum):
    """How large the demo chain is."""

    ci = "ci"
    demo = "demo"
    large = "large"


def demo(
    profile: Annotated[Profile, typer.Option(help="ci: 3 stores, seconds; demo: 12 stores, minutes.")] = Profile.ci,
    defects: Annotated[
        bool, typer.Option("--defects/--no-defects", help="With faults that the checks find, as real data have.")
    ] = True,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the web app and the Dagster UI.")] = True,
) -> None:
    """Build a demo chain, load, run and serve it.

    The chain is written as a chain folder under IMS_HOME, loaded through `ims import`, run through `ims run`. Two of
    its faults stop a run, as they would in a shop; the demo says which, waives them and runs again. Then the web app
    and the Dagster UI stay up until Ctrl-C.
    """
    from api.database import open_databases
    from ims.demo.generate import write_chain
    from ims.settings import get_settings

    settings = get_settings()
    if serve:
        check_port(settings.host, settings.port, "IMS_PORT")
        check_port(settings.host, settings.dagster_port, "IMS_DAGSTER_PORT")
    folder = settings.home / "demo" / profile.value
    ledger = folder.with_name(f"{profile.value}-defects")
    databases = open_databases(settings)
    if not (folder / "chain.toml").exists():  # a second demo goes on with the same chain
        with progress_bar() as progress:
            write_chain(
                folder,
                profile=profile.value,
                as_of=latest_monday(),
                progress=progress,
                defects=ledger if defects else None,
            )
    typer.echo(f"The demo chain is in {folder}.")
    import_chain(folder, quarantine=ledger.exists())
    run_past_faults(databases.operational, ledger / "defects.csv")
    print_best(databases.operational)
    if not serve:
        typer.echo("`ims serve` serves it.")
        return
    announce_admin(databases.operational)
    with dagster_ui(settings, databases, settings.host, settings.dagster_port) as (address, _):
        typer.echo(f"Dagster:   {address}")
        serve_web(settings, "all", settings.host, settings.port)


def latest_monday() -> dt.date:
    """The opening the demo stands at: fresh, and the start of a planning week."""
    today = dt.datetime.now(dt.UTC).date()
    return today - dt.timedelta(days=today.weekday())


def run_past_faults(url: str, ledger: Path) -> None:
    """Run until it publishes: each stop by a fault of the ledger is told and waived. Raises Blocked for another."""
    while True:
        try:
            run()
        except Blocked:
            let_pass(url, ledger)
        else:
            return


def let_pass(url: str, ledger: Path) -> None:
    """Say why the newest run was stopped, and waive it, in the name of the first who may, as in a shop somebody might.

    Only what the ledger of the demo's own faults says: raises Blocked for anything else.
    """
    import polars as pl
    import psycopg

    from api.findings import newest_results

    known = set(pl.read_csv(ledger)["check"]) if ledger.exists() else set()
    with psycopg.connect(url) as connection:
        found = newest_results(connection)
    stopped = [r for r in found.results if r["state"] == "failed" and r["severity"] == "blocking"] if found else []
    if not stopped or any(f"{row['table_name']}.{row['check_name']}" not in known for row in stopped):
        raise Blocked("The demo's run was stopped by what is none of its own faults: `ims checks` says by what.")
    typer.echo(f"The run was stopped, as it should be: the demo was given faults, listed in {ledger}.")
    for row in stopped:
        typer.echo(f"  {row['table_name']}: {row['check_name'].replace('_', ' ')} ({row['observed']})")
        typer.echo(f"    to do: {row['what_to_do']}")
    typer.echo("A shop would do so, or let it stand until a day. The demo waives it, and runs again:")
    announce_admin(url)
    with psycopg.connect(url) as connection:
        ((somebody,),) = connection.execute(WHO_MAY).fetchall()
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=WAIVED_DAYS)
    for row in stopped:
        waive(row["table_name"], row["check_name"], reason="a fault that the demo was given", until=until, by=somebody)


HEADINGS = {
    "store_code": "store",
    "sku": "sku",
    "on_hand": "on hand",
    "on_order": "on order",
    "suggested_qty": "order",
    "reason": "why",
    "priority": "at stake",
}


def print_best(url: str, count: int = 10) -> None:
    """The most valuable suggestions of what is published, as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from api.suggestions import list_suggestions

    rows = list_suggestions(url, stores=None, limit=count)
    table = Table(
        title=f"The {len(rows)} most valuable suggestions", title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    for name, heading in HEADINGS.items():
        is_text = name in ("store_code", "sku", "reason")
        table.add_column(heading, no_wrap=True, justify="left" if is_text else "right")
    for row in rows:
        table.add_row(*(str(row[name]) for name in HEADINGS))
    Console().print(table)
