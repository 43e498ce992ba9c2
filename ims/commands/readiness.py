"""`ims readiness`: which lines of production are met, by evidence; runs what proves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ims.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ims.readiness.verdicts import Verdict


def readiness(
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="GROUP", help="First run what proves the lines: a group, numbers (1,16) or all."),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="With --run: only what is not shown yet, or no longer.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Add what was found here to the repository's evidence, and write its page.")
    ] = False,
    form: Annotated[Literal["table", "json", "html"], typer.Option("--format", help="How it is printed.")] = "table",
) -> None:
    """Say of each line of production whether it is met, failed, stale, not run, or needs a cloud; exit code 1 unless
    every line is met that can be met here.

    A line is met by evidence alone: a command that ran, when, on which code, and what it measured. The repository has
    some (docs/readiness), and this installation its own under IMS_HOME/readiness: `--run` adds to that, which takes
    from seconds (a line) to hours (all), and `--keep` hands it on to the repository, signed.
    """
    import datetime as dt

    from ims.progress import progress_bar
    from ims.readiness.code import code_here
    from ims.readiness.evidence import Store
    from ims.readiness.ledger import Ledger, all_records
    from ims.readiness.lines import lines, select
    from ims.readiness.moment import mark_moment
    from ims.readiness.page import write
    from ims.readiness.running import one_world, proofs_of
    from ims.readiness.running import run as prove
    from ims.readiness.showing import as_html, as_json, summary
    from ims.readiness.verdicts import is_shown, judge
    from ims.settings import get_settings

    settings = get_settings()
    store = Store(settings)
    wanted = select(run) if run else ()
    proofs = proofs_of(wanted)
    if missing:
        held, code, now = all_records(settings)[0], code_here(), dt.datetime.now(dt.UTC)
        proofs = [each for each in proofs if not is_shown(each, held, code, now)]
    with progress_bar() as progress, one_world():
        for number, proof in enumerate(proofs):
            progress(proof.command, 0, 1)
            evidence = prove(proof, store)
            typer.echo(f"{number + 1}/{len(proofs)} {proof.command}: exit code {evidence.exit_code}", err=True)
            progress(proof.command, 1, 1)
    if keep:
        count = Ledger().keep(settings, store)
        write(mark_moment(settings))
        typer.echo(f"{count} records were added to the repository's evidence; commit docs and README.md", err=True)
    records, faults = all_records(settings)
    code, now = code_here(), dt.datetime.now(dt.UTC)
    verdicts = [judge(line, records, code, now) for line in wanted or lines()]
    if form == "table":
        _print(verdicts)
    else:
        typer.echo(as_json(verdicts, faults) if form == "json" else as_html(verdicts, faults))
    if faults:
        raise Failure(f"The evidence was tampered with: {'; '.join(faults)}. What follows it counts for nothing.")
    if any(each.state not in {"met", "cloud"} for each in verdicts):
        raise Failure(f"{summary(verdicts)} `ims readiness --run GROUP` runs what proves them.")


def _print(verdicts: Sequence[Verdict]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ims.readiness.showing import MARKS, summary

    table = Table(box=SIMPLE_HEAD)
    for name in ("#", "line", "verdict", "why"):
        table.add_column(name, overflow="fold", no_wrap=name == "verdict")
    group = ""
    for each in verdicts:
        if each.line.group != group:
            group = each.line.group
            table.add_row("", Text(group.capitalize(), style="bold"), "", "")
        state = f"{MARKS[each.state]} {each.state}"
        table.add_row(str(each.line.id), Text(each.line.text), state, Text(each.because))
    console = Console(highlight=False)
    console.print(table)
    console.print(Text(summary(verdicts)))
