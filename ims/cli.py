"""The command `ims`: registers the commands and turns every failure into one paragraph and an exit code.

Exit codes: 0 done, 1 the job failed, 2 the call or the input was wrong, 3 a blocking check stopped publishing.
Nothing heavy is imported here: `ims --help` answers in under half a second.
"""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import typer

from ims.commands import (
    audit,
    backtest,
    bench,
    checks,
    demo,
    exporting,
    forecasting,
    importing,
    invariants,
    lake,
    maintain,
    metrics,
    outbox,
    privacy,
    publishing,
    readiness,
    reports,
    run,
    serve,
    smoke,
    sql,
    stop,
    suggestions,
    users,
)
from ims.failure import Failure
from ims.postgres import DatabaseUnavailable

app = typer.Typer(
    name="ims",
    help="Reporting, forecasting and replenishment for retail chains.\n\n"
    "Start with `ims demo`, or load your own chain: `ims import DIR`, `ims run`, `ims serve`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("import")(importing.import_chain)
app.command("run")(run.run)
app.add_typer(checks.app, name="checks")
app.command("export")(exporting.export)
app.add_typer(publishing.app, name="publish")
app.command("serve")(serve.serve)
app.command("smoke")(smoke.smoke)
app.command("stop")(stop.stop)
app.command("sql")(sql.sql)
app.command("maintain")(maintain.maintain)
app.add_typer(lake.app, name="lake")
app.command("backtest")(backtest.backtest)
app.add_typer(suggestions.app, name="suggestions")
app.add_typer(forecasting.app, name="forecast")
app.add_typer(metrics.app, name="metrics")
app.add_typer(bench.app, name="bench")
app.add_typer(users.app, name="users")
app.add_typer(audit.app, name="audit")
app.add_typer(outbox.app, name="outbox")
app.add_typer(reports.app, name="reports")
app.add_typer(privacy.app, name="privacy")
app.command("invariants")(invariants.check)
app.command("readiness")(readiness.readiness)


def main() -> NoReturn:
    """Run the command line; the process ends with its exit code."""
    try:
        app()
    except (Failure, DatabaseUnavailable) as failure:
        print(f"ims: {failure}", file=sys.stderr)
        sys.exit(getattr(failure, "exit_code", 1))
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  (the last net: a person gets a sentence, the file the traceback)
        print(f"ims: {_describe(error)}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _describe(error: Exception) -> str:
    import psycopg

    if isinstance(error, psycopg.OperationalError):
        return (
            "PostgreSQL went away during the command; what was published is unchanged. "
            "Once it is back, run the command again."
        )
    return (
        f"unexpected {type(error).__name__}: this is a defect of IMS. The details are in {_write_details()}; "
        "please report them. What was published is unchanged."
    )


def _write_details() -> Path:
    from ims.settings import get_settings

    folder = get_settings().home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"failure-{datetime.now(UTC):%Y%m%dT%H%M%S}.txt"
    path.write_text(traceback.format_exc())
    return path


if __name__ == "__main__":
    main()
