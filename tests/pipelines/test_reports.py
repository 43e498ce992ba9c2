"""Figures by mail: made once for a period, of what their reader may see when they leave, and never of what is stale."""

from __future__ import annotations

import asyncio
import datetime as dt
import email
import io
import json
import re
import socket
import threading
from collections import Counter
from email.message import EmailMessage
from email.policy import default
from typing import Any

import openpyxl
import polars as pl
import psycopg
import pypdf
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from typer.testing import CliRunner

from api.alerts import write_alerts
from api.database import create_engine
from api.publications import publish
from api.services.connections import create_pool
from api.services.delivery import deliver_due
from api.suggestions import write_suggestions
from ims.cli import app
from models.policy.plan import PLAN_SCHEMA
from pipelines.reports.sending import send_due
from warehouse.contracts import contract, create_table
from warehouse.lake import connect, current_snapshot

# what a person sees in a workbook (courses, bars) is nothing to its reader here
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
DAY = dt.date(2024, 4, 15)  # a Monday: data are complete up to Sunday, 14 April
NOON = dt.datetime(2024, 4, 15, 12, tzinfo=dt.UTC)
BEFORE = dt.datetime(2024, 4, 14, 12, tzinfo=dt.UTC)
MASTERS = """
INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)
    VALUES ('Tiny', 'INR', 'UTC', '2024-04-15', 'line', 'lost');
INSERT INTO stores (store_code, name) VALUES ('S1', 'One'), ('S2', 'Two');
INSERT INTO products (sku, name, category) VALUES ('A', '=1+1', 'frames'), ('B', 'b', 'frames');
INSERT INTO vendors (vendor_code, name) VALUES ('V', 'Vendor');
INSERT INTO runs (run_id, as_of, state, started_at) VALUES ('r', '2024-04-15', 'published', '2024-04-15 04:00Z');
"""
TABLES = ("dim_product", "dim_store", "dim_date", "fct_sales_lines")
SUBSCRIBE = """
INSERT INTO report_schedules (user_id, cadence, weekday, at_hour, form, store_ids, since)
    SELECT user_id, %(cadence)s::text, CASE WHEN %(cadence)s::text = 'weekly' THEN 1 END, 7, %(form)s,
        (SELECT array_agg(store_id) FROM stores WHERE store_code = ANY (%(stores)s::text[])), %(since)s
    FROM users WHERE username = %(user)s RETURNING report_schedule_id
"""


class Mailbox:
    """A real mail server on a port of its own, and what it was given; `refuse` is answered instead of taking mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: list[str] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        if self.refuse:
            return self.refuse.pop(0)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 queued as 1"


class Chain:
    """A published chain of two stores, its people, its worker and its mail server."""

    def __init__(self, installation: Any, snapshot: int, make_user: Any, mailbox: Mailbox) -> None:
        self.databases, self.make_user, self.mailbox = installation.databases, make_user, mailbox
        url = SecretStr(f"smtp://127.0.0.1:{mailbox.controller.port}")
        self.settings = installation.settings.model_copy(update={"smtp_url": url, "mail_from": "ims@chain.example"})
        self.snapshot = snapshot
        self.person("mira", "manager", "S1")
        self.person("bo", "buyer")

    def person(self, name: str, role: str, *stores: str) -> None:
        self.make_user(self.databases.operational, name, (role,), stores)
        self.query("UPDATE users SET email = username || '@chain.example' WHERE username = %s", name)

    def subscribe(
        self, user: str, cadence: str = "daily", form: str = "pdf", stores: Any = None, since: dt.datetime = BEFORE
    ) -> int:
        values = {"user": user, "cadence": cadence, "form": form, "stores": stores or [], "since": since}
        with psycopg.connect(self.databases.operational) as connection:
            return int(connection.execute(SUBSCRIBE, values).fetchone()[0])

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.databases.operational, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def make(self, now: dt.datetime = NOON) -> dict[str, int]:
        return dict(send_due(self.databases, self.settings, now=now))

    def deliver(self) -> int:
        async def work() -> int:
            async with create_pool(self.databases.operational) as pool:
                return await deliver_due(pool, self.settings)

        return asyncio.run(work())

    def log(self) -> list[tuple[Any, ...]]:
        return self.query("SELECT state, says, error FROM report_deliveries ORDER BY report_delivery_id")


def publish_chain(installation: Any) -> int:
    """Two stores with 450 days of sales up to 14 April, a suggestion for each; the snapshot's number."""
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute(MASTERS)
    con = connect(installation.databases, installation.settings)
    con.execute("BEGIN")
    for table in TABLES:
        create_table(con, f"marts.{table}")
    for sku in ("A", "B"):
        add(con, "marts.dim_product", {"sku": sku, "name": sku, "category": "frames"})
    for code, name in (("S1", "One"), ("S2", "Two")):
        add(con, "marts.dim_store", {"store_code": code, "name": name})
    days = [DAY - dt.timedelta(days=back) for back in range(1, 451)]
    add(con, "marts.dim_date", *({"day_on": day, "is_past": True} for day in days))
    sold = (
        {
            "booked_on": day, "delivered_on": day, "store_code": store, "sku": sku, "kind": "sale",
            "sold_qty": qty + number % 3, "net_qty": qty + number % 3, "net_amount": 1000 * qty + number,
            "cost_amount": 417.25, "is_cost_estimated": False,
        }
        for number, day in enumerate(days)
        for store, sku, qty in (("S1", "A", 2), ("S2", "B", 7))
    )  # fmt: skip
    add(con, "marts.fct_sales_lines", *sold)
    con.execute("COMMIT")
    snapshot = current_snapshot(con)
    con.close()
    engine = create_engine(installation.databases.operational)
    with engine.begin() as connection:
        checks = {"passed": 9, "warnings": 0, "failed": []}
        passport = {"fingerprint": "f", "checks": checks, "metric_version": "m", "notes": []}
        moved = {"run_id": "r", "snapshot_id": snapshot, "as_of": DAY, "data_as_of": DAY, "moved_by": "test"}
        publication_id = publish(connection, **passport, **moved)
        plan = pl.DataFrame([planned("S1", "A", 5), planned("S2", "B", 3)], schema=PLAN_SCHEMA)
        write_suggestions(connection, plan.iter_rows(named=True), publication_id, DAY)
        write_alerts(connection, [raised("S1", 4000), raised("S2", 9000)], publication_id, DAY)
    engine.dispose()
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("UPDATE publications SET published_at = '2024-04-15 05:00Z'")
    return snapshot


def planned(store: str, sku: str, quantity: int) -> dict[str, object]:
    known = {"as_of": DAY, "store_code": store, "sku": sku, "on_hand": 2, "on_order": 0, "suggested_qty": quantity}
    dates = {"order_by": DAY, "arrives_on": DAY + dt.timedelta(7), "covers_until": DAY + dt.timedelta(14)}
    figures = {"expected_demand": 4.0, "demand_p50": 3.0, "demand_p90": 6.0, "priority": 12.5 + quantity}
    about = {"vendor_code": "V", "reason": "BELOW_TARGET", "receipt": json.dumps({"shortage_cost_per_unit": 417.25})}
    return {**dict.fromkeys(PLAN_SCHEMA), **known, **dates, **figures, **about, "target_level": 2, "transfer_in_qty": 0}


def raised(store: str, amount: int) -> dict[str, object]:
    about = {"alert_ref": f"off-{store}", "kind": "SALES_OFF", "store_code": store, "subject": "2024-04-14"}
    said = {"title": f"Sales of {store} were half of usual", "detail": "Less came in.", "severity": "warn"}
    where = {"first_on": DAY, "rank_in_store": 1, "view": "sales", "filters": "{}"}
    return {**about, **said, **where, "at_stake_amount": amount}


def add(con: Any, table: str, *rows: dict[str, object]) -> None:
    """Rows of a table; what is not given and may not be null is filled with something of its type."""
    fill = {"VARCHAR": "x", "BOOLEAN": True, "DATE": DAY, "TIMESTAMP WITH TIME ZONE": dt.datetime(2024, 1, 1)}
    needed = {column.name: fill.get(column.type, 0) for column in contract(table).columns if not column.nullable}
    frame = pl.DataFrame([needed | row for row in rows])  # noqa: F841  (DuckDB reads the variable by its name)
    con.execute(f"INSERT INTO lake.{table} BY NAME SELECT * FROM frame")


@pytest.fixture
def original(originals: Any) -> Any:
    """The published chain, filled once in this process."""
    return originals("reports", publish_chain)


@pytest.fixture
def mailbox() -> Any:
    mailbox = Mailbox()
    mailbox.controller.start()
    yield mailbox
    mailbox.controller.stop()


@pytest.fixture
def chain(installation: Any, original: Any, make_user: Any, mailbox: Mailbox) -> Chain:
    return Chain(installation, original.value, make_user, mailbox)


def read(mail: EmailMessage) -> dict[str, str]:
    """The text of a mail (`body`), and all that its files say, by their endings."""
    said = {"body": mail.get_body().get_content()}
    for part in mail.iter_attachments():
        content = part.get_content()
        if part.get_filename().endswith(".pdf"):
            pages = pypdf.PdfReader(io.BytesIO(content)).pages
            said["pdf"] = "\n".join(page.extract_text() for page in pages)
        else:
            book = openpyxl.load_workbook(io.BytesIO(content))
            cells = [str(cell) for sheet in book for row in sheet.values for cell in row if cell is not None]
            said["xlsx"] = "\n".join(cells)
    return said


def values_of(mail: EmailMessage) -> dict[str, dict[str, Any]]:
    """The lines of a workbook's first sheet by figure."""
    (part,) = [each for each in mail.iter_attachments() if each.get_filename().endswith(".xlsx")]
    head, *lines = openpyxl.load_workbook(io.BytesIO(part.get_content()))["Figures"].values
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines if line[0]}


def ask(*arguments: str) -> dict[str, Any]:
    """`ims metrics query … --format json`, its one row."""
    found = CliRunner().invoke(app, ["metrics", "query", *arguments, "--format", "json"], catch_exceptions=False)
    (row,) = json.loads(found.output)
    return row


def test_a_manager_is_sent_the_figures_of_their_store_and_no_others(chain: Chain, mailbox: Mailbox) -> None:
    chain.subscribe("mira", "weekly", "both")
    assert chain.make() == {"figures": 1}
    assert chain.deliver() == 1
    (mail,) = mailbox.mails
    assert (mail["To"], mail["Subject"]) == ("mira@chain.example", "IMS: Figures of the week, 8 to 14 Apr 2024")
    said = read(mail)
    assert said.keys() == {"body", "pdf", "xlsx"}
    for form, text in said.items():
        for secret in ("S2", "Two", "417", "cost_", "margin", "Margin", "7,0"):
            assert secret not in text, (form, secret)
    assert "stores: S1" in said["pdf"]
    for form in ("pdf", "xlsx"):
        assert "Sales of S1 were half of usual" in said[form]
    assert "without costs" in said["pdf"]
    assert f"snapshot {chain.snapshot}" in said["body"]
    lines = values_of(mail)
    week = ("--where", "store=S1", "--where", "day=2024-04-08..2024-04-14")
    for other, column in (("previous", "Before"), ("last_year", "Year before")):
        asked = ask("net_sales", "units_sold", *week, "--compare", other)
        for name, label in (("net_sales", "Net sales"), ("units_sold", "Units sold")):
            assert lines[label]["Value"] == pytest.approx(float(asked[name]))
            assert lines[label][column] == pytest.approx(float(asked[f"{name}_before"]))
    assert lines["Net sales"]["Value"] == 7 * 2000 + sum(range(7))
    ((state, says, receipt, message),) = chain.query("SELECT state, says, receipt, message_id FROM report_deliveries")
    assert (state, says, receipt["answer"]) == ("delivered", "figures", "queued as 1")
    # what arrived is kept no longer; what it was is
    assert chain.query("SELECT count(*) FROM outbox_attachments") == [(0,)]
    kept = chain.query("SELECT format, role, scope ->> 'stores', row_count > 0 FROM data_exports ORDER BY 1")
    assert kept == [("pdf", "manager", '["S1"]', True), ("xlsx", "manager", '["S1"]', True)]
    assert chain.query("SELECT state FROM outbox_messages WHERE message_id = %s", message) == [("delivered",)]


def test_a_buyer_is_sent_all_stores_with_margins(chain: Chain, mailbox: Mailbox) -> None:
    chain.subscribe("bo", "weekly", "both")
    chain.make()
    chain.deliver()
    said = read(mailbox.mails[0])
    for text in ("S1", "S2", "Gross margin", "with costs"):
        assert text in said["pdf"]
        assert text in said["xlsx"]
    assert "=1+1" in said["xlsx"]  # text, not run
    lines = values_of(mailbox.mails[0])
    asked = ask("gross_margin", "--where", "day=2024-04-08..2024-04-14")
    assert lines["Gross margin"]["Value"] == pytest.approx(float(asked["gross_margin"]))
    chain.subscribe("bo", "daily", "xlsx", ["S2"])
    chain.make()
    chain.deliver()
    assert "S1" not in read(mailbox.mails[1])["xlsx"]
    assert values_of(mailbox.mails[1])["Net sales"]["Value"] == 7000


def test_a_period_is_sent_once_also_when_two_look(chain: Chain, mailbox: Mailbox) -> None:
    for _ in range(3):
        chain.subscribe("mira")
    made: Counter[str] = Counter()

    def work() -> None:
        made.update(send_due(chain.databases, chain.settings, now=NOON))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert made == {"figures": 3}
    assert chain.make(NOON + dt.timedelta(hours=5)) == {}
    assert chain.deliver() == 3
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 3


def test_nothing_is_owed_for_moments_before_the_schedule_or_twice(chain: Chain) -> None:
    chain.subscribe("mira", since=NOON)
    assert chain.make(NOON + dt.timedelta(hours=1)) == {}
    chain.subscribe("mira", "weekly", since=BEFORE)
    assert chain.make(dt.datetime(2024, 4, 15, 6, 59, tzinfo=dt.UTC)) == {}
    assert chain.make(dt.datetime(2024, 4, 15, 7, 0, tzinfo=dt.UTC)) == {"figures": 1}


def test_a_blocked_run_is_told_in_words_and_without_a_figure(chain: Chain, mailbox: Mailbox) -> None:
    chain.query("INSERT INTO runs (run_id, as_of, state) VALUES ('b', '2024-04-16', 'blocked')")
    chain.query(
        "INSERT INTO check_results (run_id, table_name, check_name, severity, owner, state, observed, what_to_do,"
        " failed_count, waived_count) VALUES ('b', 'marts.fct_sales_lines', 'totals_agree', 'blocking', 'data team',"
        " 'failed', '4711 rows', 'Compare the tills with the ledger.', 4711, 0)"
    )
    chain.subscribe("mira", form="both")
    assert chain.make() == {"why_not": 1}
    chain.deliver()
    (mail,) = mailbox.mails
    assert list(mail.iter_attachments()) == []
    text = mail.get_content()
    assert mail["Subject"] == "IMS: no figures for Sun 14 Apr 2024"
    for said in ("stopped by their checks", "totals agree", "Compare the tills with the ledger.", "2024-04-16"):
        assert said in text
    assert not re.search(r"4711|2,0\d\d|₹", text)
    assert chain.log() == [("delivered", "why_not", None)]
    assert chain.query("SELECT count(*) FROM data_exports") == [(0,)]


def test_what_is_stale_is_waited_for_and_then_said(chain: Chain, mailbox: Mailbox) -> None:
    chain.subscribe("mira")
    tuesday = dt.datetime(2024, 4, 16, 7, 30, tzinfo=dt.UTC)
    assert chain.make(tuesday) == {"waits": 1}
    assert chain.make(tuesday + dt.timedelta(hours=2)) == {"why_not": 1}
    chain.deliver()
    assert "reaches to 2024-04-14 only" in mailbox.mails[0].get_content()
    # what arrives in time is sent
    chain.query("UPDATE publications SET data_as_of = '2024-04-17', as_of = '2024-04-17'")
    assert chain.make(dt.datetime(2024, 4, 17, 7, 30, tzinfo=dt.UTC)) == {"figures": 1}


def test_who_lost_a_store_or_the_role_is_sent_what_they_may_see_now(chain: Chain, mailbox: Mailbox) -> None:
    chain.person("ava", "manager", "S1", "S2")
    for name in ("ava", "mira", "bo"):
        chain.subscribe(name)
    assert chain.make() == {"figures": 3}
    # the mail server is away; meanwhile
    chain.person("ava", "manager", "S2")
    chain.person("bo", "staff", "S1")
    chain.query("UPDATE users SET is_active = false WHERE username = 'mira'")
    assert chain.deliver() == 0
    assert mailbox.mails == []
    assert chain.make(NOON + dt.timedelta(minutes=1)) == {"figures": 1, "withheld": 2}
    assert chain.deliver() == 1
    (mail,) = mailbox.mails
    assert mail["To"] == "ava@chain.example"
    assert "stores: S2" in read(mail)["pdf"]
    assert "S1" not in read(mail)["pdf"]
    assert chain.log() == [
        ("delivered", "figures", None),
        ("withheld", None, "the account is shut"),
        ("withheld", None, "the recipient may not see figures, or not take them away"),
    ]


def test_a_mail_that_is_refused_is_tried_again_and_the_log_says_so(chain: Chain, mailbox: Mailbox) -> None:
    chain.subscribe("mira")
    mailbox.refuse = ["451 busy, come back"]
    chain.make()
    assert chain.deliver() == 0
    ((state, _, error),) = chain.log()
    assert state == "queued"
    assert "busy, come back" in error
    chain.query("UPDATE outbox_messages SET available_at = now()")
    assert chain.deliver() == 1
    assert chain.log() == [("delivered", "figures", None)]
    assert "Net sales" in read(mailbox.mails[0])["pdf"]


def test_what_cannot_be_made_is_said_in_time(chain: Chain, mailbox: Mailbox) -> None:
    chain.subscribe("mira")
    chain.query("UPDATE publications SET snapshot_id = 99999")
    assert chain.make(NOON.replace(hour=8)) == {"waits": 1}
    assert chain.make() == {"why_not": 1}
    chain.deliver()
    assert "could not be put together" in mailbox.mails[0].get_content()


def test_the_commands(chain: Chain, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["reports", *arguments])

    assert "Nobody is sent figures" in call("list").output
    key = chain.subscribe("mira", "weekly", "xlsx", ["S1"], since=dt.datetime.now(dt.UTC))
    assert re.search(r"mira +weekly +Mondays +07:00 +xlsx +S1 +mira@chain.example", call("list").output)
    refused = call("send", "--schedule", str(key))
    assert "set IMS_SMTP_URL" in str(refused.exception)
    monkeypatch.setenv("IMS_SMTP_URL", chain.settings.smtp_url.get_secret_value())
    from ims.settings import get_settings

    get_settings.cache_clear()
    assert "no schedule 999" in str(call("send", "--schedule", "999").exception)
    assert call("send", "--schedule", str(key)).output == "Packs: 1 with figures. 1 messages were delivered.\n"
    assert mailbox.mails[0]["Subject"] == "IMS: Figures of the week, 8 to 14 Apr 2024"
    assert re.search(r"mira +asked +to 2024-04-14 +delivered +figures +queued as 1", call("list", "--sent").output)
