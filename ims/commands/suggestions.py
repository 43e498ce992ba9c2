"""`ims suggestions`: what to order, why, and deciding on it, for an operator and in a person's name."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ims.failure import WrongInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api.services.action import Action

app = typer.Typer(help="What to order, and why; approve, refuse, edit.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="Its number in `ims suggestions list`.")]
By = Annotated[str, typer.Option("--by", metavar="USER", help="Who decides: a user who may.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Code = Annotated[
    str | None, typer.Option("--code", help="Why, as a code that can be counted: SEASON_UPLIFT, OPTED_OUT, …")
]
OPEN = ("proposed", "approved", "edited", "ordered")


@app.command("list")
def list_suggestions(
    store: Annotated[str | None, typer.Option("--store", help="Only this store, by its code.")] = None,
    category: Annotated[str | None, typer.Option("--category", help="Only this category.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only this state; repeat for several.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many lines at most.")] = 40,
    as_json: AsJson = False,
) -> None:
    """What the served publication suggests, the most money at stake first."""
    from api.database import open_databases
    from api.suggestions import list_suggestions as read

    states = tuple(state or OPEN)
    url = open_databases().operational
    rows = read(url, stores=None, store=store, category=category, states=states, limit=limit + 1)
    if as_json:
        typer.echo(json.dumps(rows[:limit], default=str))
        return
    if not rows:
        typer.echo(
            "Nothing is suggested. `ims run` plans; `ims export suggestions --all` shows what was left out and why."
        )
        return
    from ims.commands.suggestion_table import print_table

    print_table(rows[:limit], _currency(url))
    if len(rows) > limit:
        typer.echo("There are more: --limit shows them, `ims export suggestions` writes all of them.")


@app.command("show")
def show(suggestion: Number, as_json: AsJson = False) -> None:
    """One suggestion with its receipt: everything it was computed from."""
    found = _find(suggestion)
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    for name, value in found.items():
        if name != "receipt" and value is not None:
            typer.echo(f"{name:<18}{value}")
    typer.echo("receipt")
    for name, value in found["receipt"].items():
        typer.echo(f"  {name:<28}{value}")


@app.command("explain")
def explain(suggestion: Number, as_json: AsJson = False) -> None:
    """Say in plain words why this quantity, and compute its receipt anew: exit code 1 when the number differs."""
    from dataclasses import asdict

    from api.database import open_databases
    from ims.failure import Failure
    from models.explanation.explain import explain_suggestion

    found = _find(suggestion)
    said = explain_suggestion(found, _currency(open_databases().operational), sees_cost=True)
    if as_json:
        typer.echo(json.dumps(asdict(said), default=str))
    else:
        typer.echo(f"Suggestion {suggestion}, {found['state']}: {found['product_name']} ({found['sku']})")
        typer.echo(f"Store {found['store_code']}, {found['store_name']}; vendor {found['vendor_code'] or 'none'}\n")
        typer.echo(said.headline)
        for sentence in said.sentences:
            typer.echo(f"- {sentence}")
        typer.echo("\n" + "\n".join(said.chart) + "\n" if said.chart else "")
    if said.replay.agrees:
        typer.echo(said.replay.says, err=as_json)
    else:
        raise Failure(said.replay.says)


@app.command("approve")
def approve(
    suggestions: Annotated[list[int], typer.Argument(metavar="ID...", min=1, help="All of these or none.")],
    by: By,
    note: Annotated[str | None, typer.Option("--note", help="What there is to say about it.")] = None,
) -> None:
    """Approve, and make the draft orders and transfers: one for each vendor and store, one transfer for two stores."""
    from api.services.suggestion_decisions import approve_suggestions

    async def work(action: Action) -> Any:
        return await approve_suggestions(action, suggestions, note)

    done = _act(by, "suggestion:approve", "ims suggestions approve", work)
    for item in done["items"]:
        order, transfer = item["purchase_order_id"], item["stock_transfer_id"]
        draft = f"draft order {order}" if order else f"requested transfer {transfer}"
        typer.echo(f"Suggestion {item['suggestion_id']} is {item['state']}: {item['approved_qty']} units in {draft}.")
    for row in done["orders"]:
        if row["is_below_minimum"]:
            typer.echo(f"Order {row['order_ref']} is below the minimum of vendor {row['vendor_code']}: add to it.")


@app.command("refuse")
def refuse(
    suggestion: Number,
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why not, in words.")],
    code: Code = None,
) -> None:
    """Refuse a suggestion: it is not asked about again for its day."""
    from api.services.suggestion_decisions import refuse_suggestion

    async def work(action: Action) -> Any:
        return await refuse_suggestion(action, suggestion, reason, _code(code))

    _act(by, "suggestion:approve", "ims suggestions refuse", work)
    typer.echo(f"Suggestion {suggestion} is refused.")


@app.command("edit")
def edit(
    suggestion: Number,
    by: By,
    quantity: Annotated[int, typer.Option("--quantity", min=1, help="Units: a multiple of the pack.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
    code: Code = None,
) -> None:
    """Want another quantity; the suggestion stays open until somebody approves it."""
    from api.services.suggestion_decisions import edit_suggestion

    async def work(action: Action) -> Any:
        changes = {"quantity": quantity, "reason": reason, "reason_code": _code(code)}
        return await edit_suggestion(action, suggestion, changes)

    row = _act(by, "suggestion:edit", "ims suggestions edit", work)
    typer.echo(f"Suggestion {suggestion}: {row['approved_qty']} instead of {row['suggested_qty']} are wanted.")


def _find(suggestion: int) -> dict[str, Any]:
    from api.database import open_databases
    from api.suggestions import find_suggestion

    found = find_suggestion(open_databases().operational, suggestion, stores=None)
    if found is None:
        raise WrongInput(f"There is no suggestion {suggestion}; `ims suggestions list` shows what there is.")
    return found


def _code(code: str | None) -> str | None:
    from api.schema.planning import DECISION_CODES

    if code is not None and code not in DECISION_CODES:
        raise WrongInput(f"There is no reason code {code}; there are {', '.join(DECISION_CODES)}.")
    return code


def _currency(url: str) -> str:
    import psycopg

    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT currency FROM chain").fetchone()
    return str(row[0]) if row else ""


def _act(by: str, permission: str, command: str, work: Callable[[Action], Awaitable[Any]]) -> Any:
    from api.database import open_databases
    from api.refusals import Refusal
    from api.services.acting import act_as

    try:
        return asyncio.run(act_as(open_databases().operational, by, permission, command, work))
    except Refusal as refusal:
        raise WrongInput(str(refusal)) from None
