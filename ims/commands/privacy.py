"""`ims privacy`: what is held on a customer, erasing one, and erasing those kept long enough."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from api.services.action import Action

app = typer.Typer(help="What is held on customers, and for how long.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(metavar="CUSTOMER_CODE", help="The customer's code.")]
Result = TypeVar("Result")
RETAIN = "ims privacy retain"
FIND = "SELECT customer_id FROM customers WHERE customer_code = %(code)s"


class Form(StrEnum):
    """How an export is written."""

    JSON = "json"
    CSV = "csv"


@app.command("export")
def export(
    code: Code,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write: .json, or .zip of CSV files.")],
) -> None:
    """Write everything held on a customer to a file."""
    from api.services.privacy_export import write_export
    from ims.failure import WrongInput

    forms = {".json": Form.JSON, ".zip": Form.CSV}
    if out.suffix not in forms:
        raise WrongInput(f"{out}: an export is a .json file, or a .zip of CSV files; choose one by the suffix.")

    async def work(action: Action) -> tuple[bytes, int]:
        return await write_export(action, await _find(action, code), forms[out.suffix].value)

    content, rows = asyncio.run(_act("ims privacy export", work))
    _write_private(out, content)
    typer.echo(f"{rows} rows are in {out}. It holds personal data: hand it to nobody but the customer.")


@app.command("erase")
def erase(
    code: Code, yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False
) -> None:
    """Erase a customer's personal data; orders, invoices and payments stay under a pseudonym."""
    from api.services.privacy_erasure import erase_customer

    if not yes:
        typer.confirm("This cannot be undone. Erase the customer?", abort=True)

    async def work(action: Action) -> dict[str, Any]:
        return await erase_customer(action, await _find(action, code))

    erased = asyncio.run(_act("ims privacy erase", work))
    typer.echo(f"The customer is erased, and is {erased['pseudonym']} from now on.")


@app.command("retain")
def retain(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who would be erased.")] = False) -> None:
    """Erase customers not seen for the years of the setting customer_retention_years; forget what served its time."""
    from api.services.privacy_erasure import erase_customer
    from api.services.privacy_retention import find_due, read_years

    today = dt.datetime.now(dt.UTC).date()

    async def look(action: Action) -> tuple[int, list[int]]:
        years = await read_years(action)
        return years, await find_due(action, _years_before(today, years))

    async def work(action: Action, customer_id: int) -> None:
        await erase_customer(action, customer_id)

    async def close(action: Action, years: int, erased: int) -> None:
        action.note("privacy.retained", "customers", "", after={"years": years, "erased": erased})

    async def run() -> tuple[int, int]:
        years, due = await _act(RETAIN, look)
        if not dry_run:
            for customer_id in due:  # one transaction each: an end in the middle loses nothing
                await _act(RETAIN, work, customer_id)
            await _act(RETAIN, close, years, len(due))
            await _purge()
        return years, len(due)

    years, number = asyncio.run(run())
    done = "would be" if dry_run else "were"
    typer.echo(f"{number} customers {done} erased who were not seen for {years} years.")


async def _act(name: str, work: Callable[..., Awaitable[Result]], *arguments: Any) -> Result:
    """Run a service as this command, in one transaction with its audit trail."""
    from dataclasses import replace

    import psycopg

    from api.database import open_databases
    from api.identity.principal import Origin, Reach, SignedIn
    from api.services.action import Action
    from api.services.audit import record

    forever = dt.datetime.max.replace(tzinfo=dt.UTC)
    nobody = SignedIn(0, name, frozenset({"superadmin"}), 0, forever)
    url = open_databases().operational
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.transaction():
        action = Action(connection, nobody, Origin("command line"), "customer:erase", Reach(None))
        result = await work(action, *arguments)
        await record(connection, [replace(event, user_id=None, roles=()) for event in action.events])
    return result


async def _purge() -> None:
    """Stored answers, old messages and ended sessions hold personal data as well."""
    import psycopg

    from api.database import open_databases
    from api.services.retention import purge

    async with await psycopg.AsyncConnection.connect(open_databases().operational, autocommit=True) as connection:
        await purge(connection)


async def _find(action: Action, code: str) -> int:
    from ims.failure import WrongInput

    found = await action.value(FIND, code=code)
    if found is None:
        raise WrongInput("There is no customer of this code. An erased one is known by the pseudonym.")
    return int(found)


def _years_before(day: dt.date, years: int) -> dt.date:
    return day.replace(year=day.year - years, day=min(day.day, 28))


def _write_private(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
