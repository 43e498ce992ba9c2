"""`ims outbox`: messages to people and programs outside, and whether they arrived."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

app = typer.Typer(help="Messages that wait, arrived or failed.", no_args_is_help=True)
LIST = """
    SELECT message_id, state, channel, topic, recipient, attempts, created_at, coalesce(last_error, '')
      FROM outbox_messages WHERE %(state)s::text IS NULL OR state = %(state)s
     ORDER BY created_at DESC LIMIT %(limit)s
"""
WAITING = "SELECT channel, count(*) FROM outbox_messages WHERE state = 'pending' GROUP BY 1"
SETTING = {"smtp": "IMS_SMTP_URL", "webhook": "IMS_WEBHOOK_SECRET"}


class State(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@app.command("list")
def list_messages(
    state: Annotated[State | None, typer.Option("--state", help="Only messages in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 50,
) -> None:
    """The messages, newest first; and what keeps those that wait."""
    import psycopg

    from api.database import open_databases
    from api.services.delivery import channels_of
    from ims.settings import get_settings

    with psycopg.connect(open_databases().operational) as connection:
        rows = connection.execute(LIST, {"state": state and state.value, "limit": limit}).fetchall()
        waiting = connection.execute(WAITING).fetchall()
    for message_id, found, channel, topic, recipient, attempts, created_at, error in rows:
        typer.echo(
            f"{message_id}  {created_at:%Y-%m-%d %H:%M}  {found:<9}  {attempts:>2} tries  {channel:<7}  {topic}  "
            f"{recipient}  {error}".rstrip()
        )
    if not rows:
        typer.echo("There is no such message.")
    served = channels_of(get_settings())
    for channel, number in waiting:
        if channel not in served:
            typer.echo(f"{number} messages wait because {SETTING[channel]} is not set.")


@app.command("deliver")
def deliver() -> None:
    """Deliver what is due, once; `ims serve` does so all the time."""
    typer.echo(f"{asyncio.run(_deliver())} messages were delivered.")


@app.command("retry")
def retry(message_id: Annotated[UUID, typer.Argument(metavar="ID", help="From `ims outbox list`.")]) -> None:
    """Make a message due again that was given up or waits for its next try."""
    import psycopg

    from api.database import open_databases
    from api.services.audit import Event, record_now
    from api.services.delivery import RETRY
    from ims.failure import WrongInput

    with psycopg.connect(open_databases().operational) as connection:
        if connection.execute(RETRY, (message_id,)).rowcount == 0:
            raise WrongInput(f"There is no message {message_id} that is not delivered; `ims outbox list` names them.")
        record_now(connection, [Event("message.retried", "message", str(message_id), username="ims outbox retry")])
    typer.echo("It is due now; `ims outbox deliver` sends it, or the running `ims serve` does.")


async def _deliver() -> int:
    from api.database import open_databases
    from api.services.connections import create_pool
    from api.services.delivery import channels_of, deliver_due
    from ims.failure import Failure
    from ims.settings import get_settings

    settings = get_settings()
    if not channels_of(settings):
        raise Failure("Nothing can be delivered: set IMS_SMTP_URL for mail, IMS_WEBHOOK_SECRET for webhooks.")
    pool = create_pool(open_databases(settings).operational)
    async with pool:
        return await deliver_due(pool, settings)
