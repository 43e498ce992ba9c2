"""`ims bench`: how fast a chain runs through, the API answers, queries find rows, the warehouse is built and read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ims.failure import WrongInput


class _ChainByDefault(TyperGroup):
    """`ims bench DIR` is `ims bench chain DIR`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["chain", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(help="Time a chain, the API, the queries, the warehouse.", no_args_is_help=True, cls=_ChainByDefault)
Json = Annotated[Path | None, typer.Option("--json", help="Write the results to this file, too.", dir_okay=False)]


@app.command("chain")
def chain(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A chain folder (docs/import-format.md)."),
    ],
) -> None:
    """Time a chain from folder to exports.

    Every stage is a process of its own on a fresh, temporary IMS_HOME with its own PostgreSQL, which is removed
    afterwards. Seconds are of wall time; memory is the peak of the stage's own process, without PostgreSQL.
    """
    from ims.bench.chain import bench_chain

    typer.echo(f"{'stage':<20}{'seconds':>9}{'MB':>8}")
    for name, seconds, megabytes in bench_chain(folder):
        typer.echo(f"{name:<20}{seconds:>9.1f}{megabytes:>8.0f}")


@app.command("api")
def api(
    seconds: Annotated[float, typer.Option(help="How long each load lasts.", min=1)] = 20,
    connections: Annotated[str, typer.Option(help="Open connections, one load for each number.")] = "1,32,256",
    hold: Annotated[int, typer.Option(help="Connections to hold that ask twice a minute; 0: none.", min=0)] = 10_000,
    rate: Annotated[float, typer.Option(help="Requests a second of a load of fixed rate; 0: none.", min=0)] = 2_000,
    workers: Annotated[int, typer.Option(help="Processes of the web app.", min=1)] = 1,
    limit: Annotated[bool, typer.Option(help="Run the same statements by pgbench, too.")] = True,
    profile: Annotated[bool, typer.Option(help="Say where the web process spends its time.")] = False,
    results: Json = None,
) -> None:
    """Load the API as a working day does.

    On a temporary IMS_HOME with a small chain: four reads to one write by four signed-in users, from a process of its
    own on the same machine. Beside it the limit: the statements of the same requests, run by pgbench on a copy of the
    database. At the end `ims invariants` and `ims audit verify` must find nothing wrong.
    """
    from ims.bench.api import Wanted, bench_api
    from ims.bench.report import api_report
    from ims.progress import progress_bar

    if profile and workers > 1:
        raise WrongInput("A profile is of one process: use --profile with --workers 1.")
    wanted = Wanted(seconds, _numbers(connections), hold, rate, workers, profile, limit)
    with progress_bar() as progress:
        found = bench_api(wanted, progress)
    _finish(api_report(found), found, results)


@app.command("queries")
def queries(
    orders: Annotated[int, typer.Option(help="Orders to generate, with 2.2 lines each.", min=1_000)] = 1_000_000,
    times: Annotated[int, typer.Option(help="How often each query is asked.", min=20)] = 200,
    results: Json = None,
) -> None:
    """Time the services' queries among a million orders.

    On a temporary IMS_HOME: each query as the application's role with row-level security on, each time with other
    values, against its limit (10 ms by key, 50 ms joins and lists, 100 ms sums, 150 ms search; p95). Exit code 1 when
    one misses.
    """
    from ims.bench.queries import bench_queries
    from ims.bench.report import queries_report
    from ims.progress import progress_bar

    with progress_bar() as progress:
        found = bench_queries(orders, times, progress)
    _finish(queries_report(found), found, results)
    if any(not row["passes"] for row in found["queries"]):
        raise typer.Exit(1)


@app.command("warehouse")
def warehouse(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", exists=True, file_okay=False, help="A chain folder in place of made rows."),
    ] = None,
    rows: Annotated[int, typer.Option(help="Daily totals to generate.", min=10_000)] = 10_000_000,
    memory: Annotated[str, typer.Option(help="Memory limit of the engine, as IMS_MEMORY_LIMIT.")] = "4GB",
    times: Annotated[int, typer.Option(help="How often each question is asked.", min=5)] = 20,
    results: Json = None,
) -> None:
    """Time extract, builds and questions of the warehouse.

    On a temporary IMS_HOME: a full and an incremental run with a hundredth of the rows corrected, and twenty questions
    as dashboards ask them; each beside its limit in the same run (COPY to /dev/null, a native DuckDB file).
    """
    from ims.bench.warehouse import bench_warehouse
    from ims.bench.warehouse_page import warehouse_report
    from ims.progress import progress_bar

    with progress_bar() as progress:
        found = bench_warehouse(rows, folder, memory, times, progress)
    _finish(warehouse_report(found), found, results)


@app.command("dashboards")
def dashboards(
    users: Annotated[int, typer.Option(help="People who look at once.", min=1)] = 20,
    think: Annotated[float, typer.Option(help="Seconds between two clicks of a person, on average.", min=0)] = 10,
    limit: Annotated[float, typer.Option(help="Seconds that all of it may take; what is left is named.", min=10)] = 240,
    guests: Annotated[
        bool, typer.Option(help="Make so many people of every role, who cannot sign in and are dismissed at the end.")
    ] = False,
    results: Json = None,
) -> None:
    """Click through the dashboards with many people.

    On what is published in this IMS_HOME, served by a process of its own: one person opens every view in a browser and
    changes a filter; then so many at once without a browser, of every role that is there, and that browser among them.
    First paint, interactive and filter change, memory for each session, how many questions were answered from memory.
    Needs playwright and Chromium.
    """
    from ims.bench.dashboards.page import dashboards_report
    from ims.bench.dashboards.run import Wanted, bench_dashboards
    from ims.progress import progress_bar

    with progress_bar() as progress:
        found = bench_dashboards(Wanted(users, think, limit, guests), progress)
    _finish(dashboards_report(found), found, results)


@app.command("mornings")
def mornings(
    users: Annotated[int, typer.Option(help="People who come.", min=1)] = 20,
    think: Annotated[float, typer.Option(help="Seconds between two clicks of a person, on average.", min=0)] = 5,
    night: Annotated[
        list[str] | None,
        typer.Option(help="A command that publishes anew, and another morning after it: 'ims run --as-of DAY'."),
    ] = None,
    guests: Annotated[
        bool, typer.Option(help="Make so many people of every role, who cannot sign in and are dismissed at the end.")
    ] = False,
    results: Json = None,
) -> None:
    """Let many people go round the dashboards on a morning.

    On what is published in this IMS_HOME, served by a process of its own: each opens the views of their role's work,
    without a browser, and looks closer at a third of them. How many questions were answered from memory: of a web app
    that nobody has asked yet and, after each --night, of one that has asked the new snapshot what was asked before.
    """
    from ims.bench.dashboards.mornings import bench_mornings, mornings_report
    from ims.bench.dashboards.run import Wanted
    from ims.progress import progress_bar

    with progress_bar() as progress:
        found = bench_mornings(Wanted(users, think, guests=guests), night or [], progress)
    _finish(mornings_report(found), found, results)


@app.command("forecast")
def forecast(
    chain: Annotated[str, typer.Option(metavar="DIR|NAME", help="A chain folder, or the name of a folder of --data.")],
    windows: Annotated[int, typer.Option(help="Rolling windows of four weeks, the last at the end.", min=1)] = 10,
    series: Annotated[int, typer.Option(help="Judge, and run slow peers, on this many series; 0: all.", min=0)] = 0,
    copies: Annotated[
        int,
        typer.Option(help="Time features, forecast and policy with each store so many times instead; 0: judge.", min=0),
    ] = 0,
    data: Annotated[
        Path | None,
        typer.Option(envvar="IMS_BENCH_CHAINS", exists=True, file_okay=False, help="The folder of named chains."),
    ] = None,
    results: Json = None,
) -> None:
    """Judge the forecasts beside their peers.

    Rolling windows inside the chain's own past, every method in this process on the same weeks: weekly quantile loss,
    the same of the 3-week sum, error and bias on in-stock weeks, coverage, time and memory, each beside what is to be
    reached. statsforecast and mlforecast take part where `uv sync --group bench` has installed them.
    """
    from ims.bench.forecast.chain import find_chain, read_chain
    from ims.bench.forecast.page import forecast_report
    from ims.bench.forecast.run import bench_forecast
    from ims.bench.forecast.scale import bench_scale, scale_report
    from ims.machine import circumstances
    from ims.progress import progress_bar

    told = read_chain(find_chain(chain, data))
    about = circumstances()
    with progress_bar() as progress:
        found = about | (
            bench_scale(told, copies, progress) if copies else bench_forecast(told, windows, series, progress)
        )
    _finish(scale_report(found) if copies else forecast_report(found), found, results)


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise WrongInput(f"--connections takes numbers from 1, by comma; {text!r} are none.")
    return numbers


def _finish(lines: list[str], found: dict[str, Any], results: Path | None) -> None:
    for line in lines:
        typer.echo(line)
    if results is not None:
        # where the chains lie on this machine is nobody's business: IMS_BENCH_CHAINS says it to the next
        said = [word for before, word in zip(sys.argv, sys.argv[1:], strict=False) if "--data" not in (before, word)]
        command = " ".join(["ims", *said])
        results.write_text(json.dumps({"command": command, **found}, indent=2) + "\n")
