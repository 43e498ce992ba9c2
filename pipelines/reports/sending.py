"""Packs that are wanted are made and put into the outbox, each with its record, in one transaction of its own.

A worker that dies leaves it wanted; two that look at once make different ones. Sending is the outbox's business.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from api.identity.principal import Origin, SignedIn
from api.identity.scope import Scope
from api.publications import Published, current_publication
from api.services.acting import find_user
from api.services.exports import Taken, record_export
from api.services.outbox import File, enqueue_now
from api.services.report_reach import describe_reach, scope_of_pack
from pipelines.reports.due import Wanted, claim, want_due, zone_of
from pipelines.reports.figures import Period
from pipelines.reports.pack import Pack, make_pack
from pipelines.reports.paper import write_paper
from pipelines.reports.standing import WhyNot, why_not
from pipelines.reports.workbook import write_workbook

if TYPE_CHECKING:
    import duckdb

    from ims.postgres import Databases
    from ims.settings import Settings

logger = logging.getLogger("ims.reports")
GRACE = dt.timedelta(hours=2)  # a nightly run that is late is waited for, a warehouse that is away as well
FORMS = {"pdf": ("pdf",), "xlsx": ("xlsx",), "both": ("pdf", "xlsx")}
TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
AGENT = "ims reports"
MADE = """
UPDATE report_deliveries SET state = 'queued', says = %(says)s, begins_on = %(begin)s, ends_on = %(end)s,
    publication_id = %(publication)s, reach = %(reach)s, message_id = %(message)s, error = NULL, made_at = now()
 WHERE report_delivery_id = %(key)s
"""
WITHHELD = """
UPDATE report_deliveries SET state = 'withheld', says = NULL, error = %(why)s, ended_at = now()
 WHERE report_delivery_id = %(key)s
"""
ASK = "INSERT INTO report_deliveries (report_schedule_id, occasion, due_on) VALUES (%s, 'asked', %s)"


@dataclass(frozen=True)
class Recipient:
    """Who is sent it, what they may see, where it goes, and where they find IMS."""

    user: SignedIn
    scope: Scope
    address: str
    site: str


def send_due(
    databases: Databases, settings: Settings, *, now: dt.datetime | None = None, schedule: int | None = None
) -> Counter[str]:
    """Make every pack that is wanted and due; how many went each way: `figures`, `why_not`, `withheld`, `waits`.

    With a schedule only those of it are made. Any number of processes may do this at once.
    """
    now = now or dt.datetime.now(dt.UTC)
    done: Counter[str] = Counter()
    with psycopg.connect(databases.operational, autocommit=True) as connection, _Lake(databases, settings) as lake:
        if schedule is None:
            want_due(connection, now)
        after = 0
        while True:
            with connection.transaction():
                wanted = claim(connection, after, schedule)
                if wanted is None:
                    return done
                after = wanted.report_delivery_id
                done[_make(connection, lake, wanted, now)] += 1


def ask_now(connection: psycopg.Connection[Any], schedule: int) -> None:
    """Want a pack of a schedule at once, as the operator does."""
    today = dt.datetime.now(zone_of(connection)).date()
    connection.execute(ASK, (schedule, today))


class _Lake:
    """The lake at what is published, opened with the first pack that needs it."""

    def __init__(self, databases: Databases, settings: Settings) -> None:
        self.databases, self.settings = databases, settings
        self._opened: dict[int, duckdb.DuckDBPyConnection] = {}

    def at(self, snapshot: int) -> duckdb.DuckDBPyConnection:
        """A connection that is pinned to the snapshot. Raises LakeUnavailable."""
        from warehouse.lake import connect

        if snapshot not in self._opened:
            self._opened[snapshot] = connect(self.databases, self.settings, snapshot=snapshot, read_only=True)
        return self._opened[snapshot]

    def __enter__(self) -> _Lake:
        return self

    def __exit__(self, *_: object) -> None:
        for con in self._opened.values():
            con.close()


def _make(connection: psycopg.Connection[Any], lake: _Lake, wanted: Wanted, now: dt.datetime) -> str:
    user = find_user(connection, wanted.username)
    scope = None if user is None else scope_of_pack(user, wanted.chosen)
    refusal = _refusal(wanted, user, scope)
    if refusal is not None or user is None or scope is None:
        connection.execute(WITHHELD, {"key": wanted.report_delivery_id, "why": refusal})
        return "withheld"
    recipient = Recipient(user, scope, wanted.address or "", lake.settings.web_address)
    published = current_publication(lake.databases.operational)
    period = wanted.period(published.data_as_of if published else None)
    missing = why_not(connection, published, period.end, wanted.occasion == "asked")
    if missing is None and published is not None:
        try:
            pack = make_pack(lake.at(published.snapshot_id), lake.databases, published, period, user, scope)
            with connection.transaction():
                _queue_figures(connection, wanted, pack, published, recipient)
            return "figures"
        except Exception:
            logger.exception("a pack could not be made", extra={"report_delivery_id": wanted.report_delivery_id})
            missing = WhyNot("they could not be put together.", "The log of the web app says why.", True)
    assert missing is not None
    if missing.may_come and now < wanted.due_at(zone_of(connection)) + GRACE:
        return "waits"
    _queue_why_not(connection, wanted, period, missing, recipient)
    return "why_not"


def _refusal(wanted: Wanted, user: SignedIn | None, scope: Scope | None) -> str | None:
    """Why nothing is sent at all; None when something is."""
    if not wanted.is_active:
        return "the schedule has ended"
    if user is None:
        return "the account is shut"
    if scope is None:
        return "the recipient may not see figures, or not take them away"
    if scope.store_codes == frozenset():
        return "the recipient sees none of the stores any more"
    if not wanted.address:
        return "the account has no e-mail address"
    return None


def _queue_figures(
    connection: psycopg.Connection[Any], wanted: Wanted, pack: Pack, published: Published, recipient: Recipient
) -> None:
    writers = {"pdf": write_paper, "xlsx": write_workbook}
    name = f"ims-{wanted.cadence}-{pack.period.end}"
    files = [File(f"{name}.{form}", TYPES[form], writers[form](pack)) for form in FORMS[wanted.form]]
    payload = {
        "title": pack.title,
        "period": pack.period.words,
        "chain": pack.passport["Chain"],
        "stores": pack.passport["Stores"],
        "data_as_of": pack.passport["Data as of"],
        "snapshot": pack.passport["Snapshot"],
        "checks": pack.passport["Checks"],
        "notes": "\n".join(pack.notes),
        "files": ", ".join(file.name for file in files),
        "link": f"{recipient.site}/reports",
    }
    message = enqueue_now(connection, "report.ready", recipient.address, payload, files)
    _note(connection, wanted, pack.period, "figures", recipient, message, published)
    stores = None if recipient.scope.store_codes is None else sorted(recipient.scope.store_codes)
    about = {"stores": stores, "snapshot_id": published.snapshot_id, "until": str(pack.period.end)}
    rows = sum(len(lines) for lines in pack.sections.values())
    for form, file in zip(FORMS[wanted.form], files, strict=True):
        taken = Taken(f"report.{wanted.cadence}", form, about, rows, file.content)
        record_export(connection, recipient.user, Origin(secrets.token_hex(8), None, AGENT), taken)


def _queue_why_not(
    connection: psycopg.Connection[Any], wanted: Wanted, period: Period, missing: WhyNot, recipient: Recipient
) -> None:
    row = connection.execute("SELECT name FROM chain").fetchone()
    payload = {
        "period": period.words,
        "chain": row[0] if row else "the chain",
        "reason": missing.reason,
        "details": missing.details,
        "link": recipient.site,
    }
    message = enqueue_now(connection, "report.why_not", recipient.address, payload, ())
    _note(connection, wanted, period, "why_not", recipient, message, None)


def _note(
    connection: psycopg.Connection[Any],
    wanted: Wanted,
    period: Period,
    says: str,
    recipient: Recipient,
    message: UUID,
    published: Published | None,
) -> None:
    values = {
        "key": wanted.report_delivery_id,
        "says": says,
        "begin": period.begin,
        "end": period.end,
        "publication": published.publication_id if published else None,
        "reach": Jsonb(describe_reach(recipient.user, recipient.scope, recipient.address)),
        "message": message,
    }
    connection.execute(MADE, values)
