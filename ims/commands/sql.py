"""`ims sql`: ask the published warehouse, read-only."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ims.failure import WrongInput


def sql(
    query: Annotated[str | None, typer.Argument(help="One SELECT; without it, standard input is read.")] = None,
) -> None:
    """Query the published warehouse, read-only.

    Schemas raw, staging, marts (the default) and outputs.
    """
    import duckdb

    from ims.commands.published import open_published

    connection, _ = open_published()
    if query is None and sys.stdin.isatty():
        typer.echo("Type one statement, end it with Ctrl-D.", err=True)
    text = query if query is not None else sys.stdin.read()
    try:
        connection.execute("USE lake.marts")
        relation = connection.sql(text)
    except duckdb.Error as error:
        raise WrongInput(f"The warehouse refused the query: {error}") from None
    if relation is not None:
        relation.show(max_rows=200, max_width=200)
