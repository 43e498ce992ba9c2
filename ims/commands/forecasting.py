"""`ims forecast`: the registry of forecasts, the card of one, one made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ims.failure import Failure, WrongInput

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings

app = typer.Typer(help="List past forecasts, read a model card, make one again.", no_args_is_help=True)
Version = Annotated[str, typer.Argument(help="A version, as `ims forecast list` names them.")]


@app.command("list")
def list_versions(
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
) -> None:
    """List the registered forecasts.

    A version is a day and the first digits of what the forecast says: the same forecast made twice is one version.
    """
    from pipelines.forecasting import list_models

    typer.echo(f"{'version':<20}{'as of':<12}{'snapshot':>9}{'series':>9}{'trained until':>15}  code")
    for row in list_models(*_installation()).head(limit).iter_rows(named=True):
        typer.echo(
            f"{row['version']:<20}{row['as_of']!s:<12}{row['snapshot_id']:>9}{row['series_count']:>9,}"
            f"{row['trained_until_on']!s:>15}  {row['code_version']}"
        )


@app.command("card")
def card(version: Annotated[str | None, typer.Argument(help="A version; the newest without one.")] = None) -> None:
    """Read the model card of a forecast.

    Markdown: what it was made from, who forecasts which segment and why, its losses in trials, its settings.
    """
    from pipelines.forecasting import read_model

    typer.echo(read_model(*_installation(), version)["card"], nl=False)


@app.command("again")
def again(
    version: Version,
    out: Annotated[
        Path | None, typer.Option(help="Write its rows to this file, .csv or .parquet.", dir_okay=False)
    ] = None,
) -> None:
    """Make a past forecast again, from the snapshot it was made from.

    Exit code 1 when the bytes differ, which another version of the code may be the reason for.
    """
    from pipelines.forecasting import forecast_again

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise WrongInput(f"--out takes a .csv or .parquet file; {out.name} is neither.")
    made = forecast_again(*_installation(), version)
    if out is not None:
        (made.weekly.write_csv if out.suffix == ".csv" else made.weekly.write_parquet)(out)
    if not made.is_same:
        why = "the same code" if made.made_by == made.code else f"code {made.made_by}; this is {made.code}"
        raise Failure(f"Forecast {version} came out different: it was made by {why}.")
    typer.echo(f"Forecast {version}: {made.weekly.height:,} rows, the same bytes.")


def _installation() -> tuple[Databases, Settings]:
    from api.database import open_databases
    from ims.settings import get_settings

    settings = get_settings()
    return open_databases(settings), settings
