"""`ims audit`: whether the audit log is whole, and dropping what was kept long enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Verify the audit log; drop its oldest years.", no_args_is_help=True)


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
    import datetime as dt

    import psycopg

    from api.database import open_databases
    from api.services.audit_retention import retain

    today = dt.datetime.now(dt.UTC).date()
    with psycopg.connect(open_databases().operational) as connection:
        done = retain(connection, years, today, dry_run=dry_run)
    verb = "would be dropped" if dry_run else "were dropped"
    typer.echo(f"{done.rows} rows before {done.before_on} {verb}, in {len(done.partitions)} partitions.")
