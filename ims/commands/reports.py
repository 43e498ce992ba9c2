"""`ims reports`: who is sent figures by mail, what was sent, and sending what is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections import Counter

app = typer.Typer(help="Figures by mail: who gets them when, and what was sent.", no_args_is_help=True)
SCHEDULES = """
SELECT r.report_schedule_id, u.username, coalesce(u.email, 'no address'), r.cadence, r.weekday, r.month_day, r.at_hour,
    r.form, (SELECT string_agg(s.store_code, ',' ORDER BY s.store_code) FROM stores AS s
        WHERE s.store_id = ANY (r.store_ids)), r.is_active
  FROM report_schedules AS r JOIN users AS u USING (user_id) ORDER BY 1
"""
LOG = """
SELECT d.report_delivery_id, d.created_at, d.report_schedule_id, u.username, d.occasion, d.ends_on, d.state,
    coalesce(d.says, ''), coalesce(d.receipt ->> 'answer', d.error, '')
  FROM report_deliveries AS d JOIN report_schedules AS r USING (report_schedule_id) JOIN users AS u USING (user_id)
 ORDER BY 1 DESC LIMIT %s
"""
DAYS = ("", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
SAYS = {"figures": "figures", "why_not": "why there are none", "": ""}


@app.command("list")
def list_reports(
    sent: Annotated[bool, typer.Option("--sent", help="What was sent, the newest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many lines of it.")] = 50,
) -> None:
    """The schedules; with --sent the log: of which period, what became of it, what the mail server said."""
    import psycopg

    from api.database import open_databases

    with psycopg.connect(open_databases().operational) as connection:
        rows = connection.execute(LOG, (limit,)).fetchall() if sent else connection.execute(SCHEDULES).fetchall()
    for row in rows:
        typer.echo(_log_line(*row) if sent else _schedule_line(*row))
    if not rows:
        typer.echo("Nothing was sent yet." if sent else "Nobody is sent figures; people subscribe under Reports.")


@app.command("send")
def send(
    due: Annotated[bool, typer.Option("--due", help="What is due by now; the default.")] = False,
    schedule: Annotated[
        int | None, typer.Option("--schedule", metavar="ID", help="One of this schedule at once; from the list.")
    ] = None,
) -> None:
    """Make and mail what is due, once; `ims serve` does so all the time.

    With --schedule a pack of the last whole period of what is published, whether it is due or not. Figures go to the
    schedule's user alone, as far as they may see them now.
    """
    import psycopg

    from api.database import open_databases
    from ims.failure import Failure, WrongInput
    from ims.settings import get_settings
    from pipelines.reports.sending import ask_now, send_due

    if due and schedule is not None:
        raise WrongInput("Give --due or --schedule, not both.")
    settings = get_settings()
    if settings.smtp_url is None:
        raise Failure("Nothing can be mailed: set IMS_SMTP_URL.")
    databases = open_databases(settings)
    if schedule is not None:
        with psycopg.connect(databases.operational) as connection:
            known = "SELECT 1 FROM report_schedules WHERE report_schedule_id = %s"
            if connection.execute(known, (schedule,)).fetchone() is None:
                raise WrongInput(f"There is no schedule {schedule}; `ims reports list` names them.")
            ask_now(connection, schedule)
    done = send_due(databases, settings, schedule=schedule)
    typer.echo(_summary(done, asyncio.run(_deliver(databases.operational, settings))))


async def _deliver(url: str, settings: Any) -> int:
    from api.services.connections import create_pool
    from api.services.delivery import deliver_due

    async with create_pool(url) as pool:
        return await deliver_due(pool, settings)


def _summary(done: Counter[str], delivered: int) -> str:
    words = {
        "figures": "with figures",
        "why_not": "that say why there are none",
        "withheld": "withheld, for their recipients may not see figures",
        "waits": "that wait for the nightly run",
    }
    made = ", ".join(f"{number} {words[kind]}" for kind, number in sorted(done.items()))
    return f"Packs: {made or 'none is due'}. {delivered} messages were delivered."


def _schedule_line(
    key: int, user: str, address: str, cadence: str, weekday: int | None, month_day: int | None, hour: int, form: str,
    stores: str | None, is_active: bool,
) -> str:  # fmt: skip
    when = DAYS[weekday or 0] if cadence == "weekly" else f"day {month_day}" if cadence == "monthly" else "every day"
    line = f"{key:>5}  {user:<16}  {cadence:<7}  {when:<10}  {hour:02}:00  {form:<4}  {stores or 'all'}  {address}"
    return line if is_active else f"{line}  ended"


def _log_line(
    key: int, at: Any, schedule: int, user: str, occasion: str, ends_on: Any, state: str, says: str, told: str
) -> str:
    until = f"to {ends_on}" if ends_on else ""
    line = f"{key:>5}  {at:%Y-%m-%d %H:%M}  of {schedule:<4}  {user:<16}  {occasion:<9}  {until:<13}  {state:<9}"
    return f"{line}  {SAYS[says]}  {told}".rstrip()
