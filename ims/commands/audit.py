"""`ims audit`: what happened, whether the log of it is whole, and dropping what was kept long enough."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Read the audit log, verify it, drop its oldest years.", no_args_is_help=True)
LIST = """
    SELECT at, severity, kind, coalesce(username, '-'), coalesce(host(address), '-'), coalesce(entity_type, ''),
           coalesce(entity_id, ''), coalesce(request_id, '-')
      FROM audit_log
     WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(user)s::text IS NULL OR username = %(user)s)
     ORDER BY at DESC, audit_id DESC LIMIT %(limit)s
"""


@app.command("list")
def list_events(
    kind: Annotated[str | None, typer.Option("--kind", help="Only events of this kind (docs/audit.md).")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Only what this user did.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 50,
) -> None:
    """The events, newest first: when, how grave, what, who, from where, to what, in which request."""
    import psycopg

    from api.database import open_databases
    from api.services.audit_kinds import kinds
    from ims.failure import WrongInput

    if kind is not None and kind not in kinds():
        raise WrongInput(f"There is no kind of event {kind!r}; docs/audit.md lists them.")
    with psycopg.connect(open_databases().operational) as connection:
        rows = connection.execute(LIST, {"kind": kind, "user": user, "limit": limit}).fetchall()
    for at, severity, found, username, address, entity, key, request in rows:
        what, when = f"{entity} {key}".strip() or "-", f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
        typer.echo(f"{when}  {severity:<8}  {found:<22}  {username}  {address}  {what}  {request}")
    if not rows:
        typer.echo("There is no such event.")


@app.command("verify")
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
    heads: Annotated[
        Path | None, typer.Option("--heads", metavar="FILE", help="Write the head of each chain, to keep elsewhere.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", metavar="FILE", help="Compare with heads written earlier.")
    ] = None,
) -> None:
    """Compute every hash of the audit log anew; exit code 1 when a row was changed, removed or reordered."""
    import psycopg

    from api.database import open_databases
    from api.services.audit_integrity import read_heads, verify, write_heads
    from ims.failure import Failure
    from ims.progress import progress_bar

    kept = read_heads(against) if against is not None else []
    with psycopg.connect(open_databases().operational) as connection, progress_bar() as progress:
        verdict = verify(connection, progress, kept)
    if heads is not None and verdict.is_whole:
        write_heads(heads, verdict.heads)
    if as_json:
        typer.echo(json.dumps(verdict.as_json(), indent=1))
    else:
        for head in verdict.heads:
            typer.echo(f"chain {head.chain_no:>2}  head {head.chain_seq:>10}  {head.hash}")
        for note in verdict.notes:
            typer.echo(f"note: {note}")
        for fault in verdict.found:
            row = "" if fault.audit_id is None else f", audit_id {fault.audit_id}"
            typer.echo(f"BROKEN chain {fault.chain_no}, row {fault.chain_seq}{row}: {fault.says}")
    if not verdict.is_whole:
        written = " The heads were not written." if heads is not None else ""
        raise Failure(
            f"The audit log is broken: {verdict.faults} faults in {verdict.rows} rows. Keep the database as it is, and "
            f"compare with a backup who changed it and when.{written}"
        )
    if not as_json:
        typer.echo(f"The audit log is whole: {verdict.rows} rows in {len(verdict.heads)} chains.")


@app.command("retain")
def retain(
    years: Annotated[int, typer.Option("--years", min=1, max=100, help="Full years to keep.")] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be dropped.")] = False,
) -> None:
    """Drop the months of the audit log that are older; what is left still verifies."""
    import psycopg

    from api.database import open_databases
    from api.services.audit_retention import retain

    today = dt.datetime.now(dt.UTC).date()
    with psycopg.connect(open_databases().operational) as connection:
        done = retain(connection, years, today, dry_run=dry_run)
    verb = "would be dropped" if dry_run else "were dropped"
    typer.echo(f"{done.rows} rows before {done.before_on} {verb}, in {len(done.partitions)} partitions.")
