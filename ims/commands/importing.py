"""`ims import DIR`: load a chain folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ims.failure import WrongInput
from ims.progress import progress_bar


def import_chain(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A chain folder (docs/import-format.md).")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate and count, load nothing.")] = False,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Set rows of record files that break a rule aside, load the rest.")
    ] = False,
) -> None:
    """Load a chain folder, whole or not at all.

    Every fault is reported with file, line, column, value and rule (exit code 2) and nothing is loaded. The same
    folder twice changes nothing. With --quarantine that holds for the planner's files; of the record files
    (docs/import-records.md) a row that breaks a rule is kept in the table import_quarantine.
    """
    from api.database import open_databases
    from api.imports.folder import import_folder
    from api.imports.report import InvalidFolder

    databases = open_databases()
    try:
        with progress_bar() as progress:
            report = import_folder(
                folder, databases.operational, dry_run=dry_run, progress=progress, is_quarantine=quarantine
            )
    except InvalidFolder as invalid:
        raise WrongInput(str(invalid)) from None
    typer.echo(report.to_text())
