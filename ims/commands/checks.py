"""`ims checks`: what the newest run's checks found, who looks after it, and waivers."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ims.failure import Blocked, WrongInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api.services.action import Action

app = typer.Typer(help="What the newest run's checks found; waivers.", invoke_without_command=True)
Store = Annotated[str | None, typer.Option("--store", help="Only what concerns this store, by its code.")]
By = Annotated[str, typer.Option("--by", metavar="USER", help="Who says so: a user who may waive.")]
MEMBERS = (
    "table_name", "check_name", "severity", "owner", "state", "observed", "failed_count", "waived_count", "holds_back",
    "what_to_do",
)  # fmt: skip


@app.callback()
def show(
    context: typer.Context,
    store: Store = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every check, those that passed too, as JSON.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the failed rows: .csv, .xlsx or .parquet.")
    ] = None,
) -> None:
    """Say in words what was checked, what failed, who looks after it and what they do; exit code 3 when it blocked."""
    if context.invoked_subcommand is not None:
        return
    import psycopg

    from api.database import open_databases
    from api.findings import newest_results
    from pipelines import failures

    if export is not None:
        from pipelines.files import check_suffix

        try:
            check_suffix(export)
        except ValueError as error:
            raise WrongInput(str(error)) from None
    with psycopg.connect(open_databases().operational) as connection:
        _check_store(connection, store)
        found = newest_results(connection, None if store is None else [store])
        if found is None:
            typer.echo("No run has checked anything yet. `ims run` builds, checks and publishes.")
            return
        if as_json:
            results = failures.wanted(found, store, with_passed=True)
            about = {"run_id": found.run_id, "as_of": found.as_of.isoformat(), "state": found.state}
            typer.echo(json.dumps({**about, "checks": [{name: row[name] for name in MEMBERS} for row in results]}))
        else:
            for line in failures.describe(connection, found, store):
                typer.echo(line)
        if export is not None:
            rows = failures.write(connection, found, export, store)
            typer.echo(f"{rows:,} failed rows are in {export}.", err=as_json)
    if found.state == "blocked":
        raise Blocked("The newest run was stopped by its checks: mend what STOPS PUBLISHING, then `ims run` again.")


@app.command("waive")
def waive(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="As `ims checks` names it: staging.sales.")],
    check: Annotated[str, typer.Argument(metavar="CHECK", help="The check's name: quantity_is_not_zero.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may stand.")],
    until: Annotated[
        datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day it may: 90 days from now at most.")
    ],
    by: By,
    store: Annotated[str | None, typer.Option("--store", help="Only in this store; default: in all.")] = None,
) -> None:
    """Let what a check finds stand until a day: it neither blocks nor warns, and is shown as waived."""
    from api.services.checking import waive_check

    name = check.replace(" ", "_")
    values = {"table_name": table, "check_name": name, "reason": reason, "expires_on": until.date()}

    async def work(action: Action) -> Any:
        store_id = None
        if store is not None:
            store_id = await action.value("SELECT store_id FROM stores WHERE store_code = %(code)s", code=store)
            if store_id is None:
                raise WrongInput(f"There is no store {store}.")
        return await waive_check(action, {**values, "store_id": store_id})

    row = _act(by, "ims checks waive", work)
    where = f" in {store}" if store else ""
    typer.echo(f"Waiver {row['check_waiver_id']}: {table}: {name} may stand{where} until {row['expires_on']}.")
    typer.echo("The next run minds it: `ims run`.")


@app.command("waivers")
def list_waivers(
    show_all: Annotated[bool, typer.Option("--all", help="Those that expired or were revoked, too.")] = False,
) -> None:
    """Which failures may stand, why, who said so, and until when."""
    import psycopg

    from api.database import open_databases
    from api.findings import waivers

    today = datetime.now(UTC).date()
    with psycopg.connect(open_databases().operational) as connection:
        rows = waivers(connection, today, is_active=not show_all)
    if not rows:
        typer.echo("Nothing is waived.")
    for row in rows:
        ended = "revoked" if row["revoked_at"] else "expired" if row["expires_on"] < today else "holds"
        where = row["store_code"] or "every store"
        typer.echo(
            f"{row['check_waiver_id']:>5}  {ended:<7}  until {row['expires_on']}  {where}  "
            f"{row['table_name']}: {row['check_name']}  by {row['waived_by']}: {row['reason']}"
        )


@app.command("revoke")
def revoke(
    waiver: Annotated[int, typer.Argument(metavar="WAIVER", min=1, help="Its number in `ims checks waivers`.")], by: By
) -> None:
    """End a waiver before its day: the failure counts again from the next run on."""
    from api.services.checking import revoke_waiver

    async def work(action: Action) -> Any:
        return await revoke_waiver(action, waiver)

    row = _act(by, "ims checks revoke", work)
    typer.echo(f"Waiver {waiver} is revoked: {row['table_name']}: {row['check_name']} counts again.")


def _act(by: str, command: str, work: Callable[[Action], Awaitable[Any]]) -> Any:
    from api.database import open_databases
    from api.refusals import Refusal
    from api.services.acting import act_as

    try:
        return asyncio.run(act_as(open_databases().operational, by, "quality:waive", command, work))
    except Refusal as refusal:
        raise WrongInput(str(refusal)) from None


def _check_store(connection: Any, store: str | None) -> None:
    if store is None:
        return
    codes = [row[0] for row in connection.execute("SELECT store_code FROM stores ORDER BY 1").fetchall()]
    if store not in codes:
        raise WrongInput(f"There is no store {store}; there are {', '.join(codes) or 'none yet'}.")
