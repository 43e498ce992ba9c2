"""`ims invariants`: whether the operational database keeps what must always hold."""

from __future__ import annotations

import typer


def check() -> None:
    """Ask the operational database whether stock, transfers and orders add up; exit code 1 when they do not."""
    import psycopg

    from api.database import open_databases
    from api.services.invariants import broken_rows, count_broken, invariants
    from ims.failure import Failure

    broken = []
    with psycopg.connect(open_databases().operational) as connection:
        # one moment for all of them: sales go on meanwhile
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for each in invariants():
            count = count_broken(connection, each)
            state = "holds" if not count else "to decide" if each.is_to_decide else "BROKEN"
            typer.echo(f"{state:<10} {each.name:<32} {each.rule}")
            for row in broken_rows(connection, each) if count else ():
                typer.echo("           " + ", ".join(f"{name} {value}" for name, value in row.items()))
            if count > 5:
                typer.echo(f"           … and {count - 5:,} more")
            if count and not each.is_to_decide:
                broken.append(each.name)
    if broken:
        raise Failure(
            f"The operational database breaks {', '.join(broken)}; the rows above say where. Nothing mends itself: "
            "compare with the audit log and a backup what wrote them."
        )
