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
    from api.database import open_databases
    from api.services.privacy_upkeep import retain_customers

    today = dt.datetime.now(dt.UTC).date()
    years, number = asyncio.run(retain_customers(open_databases().operational, today, dry_run=dry_run))
    done = "would be" if dry_run else "were"
    typer.echo(f"{number} customers {done} erased who were not seen for {years} years.")


async def _act(name: str, work: Callable[[Action], Awaitable[Result]]) -> Result:
    """Run a service as this command."""
    from api.database import open_databases
    from api.services.system import act_alone

    return await act_alone(open_databases().operational, name, "customer:erase", work)


async def _find(action: Action, code: str) -> int:
    from ims.failure import WrongInput

    found = await action.value(FIND, code=code)
    if found is None:
        raise WrongInput("There is no customer of this code. An erased one is known by the pseudonym.")
    return int(found)


def _write_private(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
