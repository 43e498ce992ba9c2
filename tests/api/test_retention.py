"""What served its time is forgotten, what did not is kept; and the page of audit kinds is what the registry says."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

import api.docs
from api.services.retention import STATEMENTS, purge

USER = "INSERT INTO users (username, password_hash) VALUES ('asha', 'x') RETURNING user_id"
KEY = "INSERT INTO idempotency_keys VALUES (%s, %s, '\\x00', 201, '{}', now() - make_interval(days => %s))"
MESSAGE = (
    "INSERT INTO outbox_messages (topic, channel, recipient, subject, payload, state, delivered_at, created_at)"
    " SELECT 'order.ready', 'smtp', 'a@b.example', 's', '{\"token\": 1}', %(state)s::text,"
    " CASE %(state)s::text WHEN 'delivered' THEN now() END, now() - make_interval(days => %(days)s)"
)
# two publications of long ago, of which the second is served still
ALERTS = """
    INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2024-01-01', 'published');
    INSERT INTO publications (snapshot_id, run_id, as_of, data_as_of, fingerprint, checks, metric_version, notes)
    SELECT i, 'r', '2024-01-01', '2024-01-01', 'f', '{}', '1', '[]' FROM generate_series(1, 2) AS i;
    INSERT INTO publication_pointer (publication_id, moved_by) SELECT max(publication_id), 't' FROM publications;
    INSERT INTO alerts (publication_id, alert_ref, kind, subject, title, detail, severity, at_stake_amount, first_on,
        day_on, rank_in_store, is_listed, view, filters, created_at)
    SELECT publication_id, 'a', 'DATA', 's', 't', 'd', 'warn', 0, as_of, as_of, 1, true, 'quality', '{}',
        now() - interval '100 days' FROM publications
"""
FILES = (
    "INSERT INTO outbox_attachments (message_id, name, media_type, content)"
    " SELECT message_id, 'f', 'application/pdf', 'x' FROM outbox_messages"
)


def run(url):
    async def work():
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            return await purge(connection)

    return asyncio.run(work())


def test_only_what_is_old_enough_is_forgotten(installation):
    url = installation.databases.operational
    with psycopg.connect(url) as connection:
        (user,) = connection.execute(USER).fetchone()
        for days in (0, 6, 8):
            connection.execute(KEY, (user, f"key-{days}", days))
        for state in ("pending", "delivered", "dead"):
            for days in (1, 30, 100):
                connection.execute(MESSAGE, {"state": state, "days": days})
        connection.execute(FILES)
        connection.execute(ALERTS)
    assert run(url) == {
        "idempotency keys": 1,
        "payloads of dead messages": 2,
        "files of dead messages": 2,
        "alerts": 1,
        "messages": 2,
    }
    with psycopg.connect(url) as connection:
        keys = connection.execute("SELECT key FROM idempotency_keys ORDER BY key").fetchall()
        assert keys == [("key-0",), ("key-6",)]
        kept = (
            "SELECT state, count(*), count(*) FILTER (WHERE payload = '{}') FROM outbox_messages GROUP BY 1 ORDER BY 1"
        )
        assert connection.execute(kept).fetchall() == [("dead", 2, 1), ("delivered", 2, 0), ("pending", 3, 0)]
    assert run(url) == dict.fromkeys(STATEMENTS, 0)


@pytest.mark.parametrize("name", api.docs.render_pages())
def test_a_page_with_generated_parts_is_up_to_date(name):
    written = (api.docs.FOLDER / name).read_text(encoding="utf-8")
    assert written == api.docs.render_pages()[name], "run `python -m api.docs` and commit what it writes"


def test_a_stale_page_is_told_and_left_alone_by_the_check(tmp_path, monkeypatch, capsys):
    page = api.docs.render_pages()["audit.md"]
    stale = page.replace("| `order.created` ", "| `order.made` ")
    (tmp_path / "audit.md").write_text(stale, encoding="utf-8")
    monkeypatch.setattr(api.docs, "FOLDER", tmp_path)
    assert api.docs.main(["--check"]) == 1
    assert "docs/audit.md" in capsys.readouterr().err
    assert (tmp_path / "audit.md").read_text(encoding="utf-8") == stale
    assert (api.docs.main([]), api.docs.main(["--check"])) == (0, 0)
    assert (tmp_path / "audit.md").read_text(encoding="utf-8") == page
