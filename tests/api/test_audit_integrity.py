"""Whoever changes the audit log all the same, triggers off and with every right, is found."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
from decimal import Decimal

import psycopg
import pytest

from api.services.audit import Event, record_now
from api.services.audit_integrity import Head, verify
from api.services.audit_retention import retain

EVENT = Event(
    "order.confirmed",
    "order",
    "7",
    user_id=3,
    username="asha",
    roles=("manager", "staff"),
    store_id=2,
    address="2001:db8::1",
    user_agent='Mozilla "5.0" \\ ünï\t',
    request_id="r-1",
    before={"total": Decimal("1.50"), "lines": [1, {"b": None}]},
    after={"total": Decimal("2.00"), "at": dt.date(2026, 11, 25), "zeta": 1, "a": "naïve\x00\ud800"},
)


@pytest.fixture
def connection(installation):
    with psycopg.connect(installation.databases.operational) as opened:
        yield opened


def judge(connection, kept=()):
    return verify(connection, lambda *_: None, kept)


def attack(connection, *statements):
    """What a superuser does who switches the triggers off."""
    connection.execute("SET session_replication_role = replica")
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    connection.execute("SET session_replication_role = DEFAULT")
    connection.commit()


@pytest.fixture
def filled(connection):
    """A log with 80 rows, all in chain 3: the others were taken."""
    url = connection.info.dsn
    with psycopg.connect(url) as holder:
        holder.execute("SELECT FROM audit_chains WHERE chain_no <> 3 FOR UPDATE")
        for each in range(40):
            record_now(connection, [Event("order.created", "order", str(each)), EVENT])
            connection.commit()
    assert judge(connection).is_whole
    return connection


def found(connection, kept=()):
    verdict = judge(connection, kept)
    return verdict.faults, [(f.chain_no, f.chain_seq, f.fault) for f in verdict.found]


def test_a_whole_log_verifies_and_counts_its_rows(filled):
    verdict = judge(filled)
    assert (verdict.rows, verdict.faults, len(verdict.heads)) == (80, 0, 16)
    assert verdict.heads[3].chain_seq == 80


def test_one_byte_changed_by_a_superuser(filled):
    attack(filled, "UPDATE audit_log SET username = 'ashb' WHERE chain_seq = 42")
    assert found(filled) == (1, [(3, 42, "changed")])


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "audit_id = DEFAULT",
        "chain_no = 4",
        "request_id = NULL",
        "user_id = 4",
        "roles = '{staff,manager}'",
        "store_id = NULL",
        "address = '2001:db8::1/127'",
        "user_agent = ''",
        "kind = 'order.created'",
        "severity = 'critical'",
        "entity_type = 'orders'",
        "entity_id = NULL",
        """before = jsonb_set(before, '{total}', '"1.5"')""",
        "after = NULL",
        r"prev_hash = '\x00'",
        r"hash = '\x00'",
    ],
)
def test_every_column_is_under_the_hash(filled, change):
    attack(filled, f"UPDATE audit_log SET {change} WHERE chain_seq = 42")
    assert not judge(filled).is_whole


def test_a_row_removed(filled):
    attack(filled, "DELETE FROM audit_log WHERE chain_seq = 42")
    assert found(filled) == (1, [(3, 43, "removed")])
    assert "rows 42 to 42 are gone" in judge(filled).found[0].says


def test_the_first_row_removed(filled):
    attack(filled, "DELETE FROM audit_log WHERE chain_seq = 1")
    assert found(filled) == (1, [(3, 2, "removed")])


def test_two_rows_exchanged(filled):
    attack(filled, "UPDATE audit_log SET chain_seq = 83 - chain_seq WHERE chain_seq IN (41, 42)")
    assert [fault for _, _, fault in found(filled)[1]][:2] == ["changed", "changed"]


def test_two_rows_exchanged_with_hashes_computed_anew(filled):
    attack(
        filled,
        "UPDATE audit_log SET chain_seq = 83 - chain_seq WHERE chain_seq IN (41, 42)",
        "UPDATE audit_log a SET hash = ims_audit_hash(a) WHERE chain_seq IN (41, 42)",
    )
    assert (3, 41, "unlinked") in found(filled)[1]


def test_a_row_added_twice(filled):
    attack(
        filled,
        "INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(a, '{\"audit_id\": 9999}')).*"
        " FROM audit_log a WHERE chain_seq = 42",
        "UPDATE audit_log a SET hash = ims_audit_hash(a) WHERE audit_id = 9999",
    )
    assert (3, 42, "repeated") in found(filled)[1]


def test_the_tail_cut(filled):
    attack(filled, "DELETE FROM audit_log WHERE chain_seq > 70")
    faults, named = found(filled)
    assert (faults, named) == (1, [(3, 80, "cut")])


def test_everything_gone(filled):
    attack(filled, "DELETE FROM audit_log")
    assert found(filled) == (1, [(3, 80, "cut")])


REWRITE = """
DO $$ DECLARE entry audit_log; head bytea := ims_audit_genesis(3); BEGIN
    FOR entry IN SELECT * FROM audit_log WHERE chain_no = 3 ORDER BY chain_seq LOOP
        entry.prev_hash := head; entry.username := 'nobody';
        head := ims_audit_hash(entry);
        UPDATE audit_log SET prev_hash = entry.prev_hash, username = 'nobody', hash = head
         WHERE audit_id = entry.audit_id;
    END LOOP;
    UPDATE audit_chains SET hash = head WHERE chain_no = 3;
END $$
"""


def test_a_chain_rewritten_as_a_whole_is_found_by_heads_kept_elsewhere(filled):
    kept = judge(filled).heads
    attack(filled, REWRITE)
    assert judge(filled).is_whole  # nothing inside the database can tell
    assert found(filled, kept) == (1, [(3, 80, "replaced")])


def test_a_tail_cut_with_its_head_is_found_by_heads_kept_elsewhere(filled):
    kept = judge(filled).heads
    attack(
        filled,
        "DELETE FROM audit_log WHERE chain_seq > 70",
        "UPDATE audit_chains SET chain_seq = 70, hash = (SELECT hash FROM audit_log WHERE chain_seq = 70)"
        " WHERE chain_no = 3",
    )
    assert judge(filled).is_whole
    assert found(filled, kept) == (1, [(3, 80, "cut")])


def test_heads_kept_earlier_stay_true_as_the_log_grows(filled):
    kept = judge(filled).heads
    record_now(filled, [EVENT])
    filled.commit()
    assert judge(filled, kept).is_whole


def test_the_hash_is_what_python_computes(filled):
    filled.execute("SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German, DMY'; SET bytea_output = 'escape'")
    filled.commit()
    assert judge(filled).is_whole
    filled.execute("SET DateStyle = 'ISO'")
    rows = filled.execute(
        "SELECT at, audit_id, chain_no, chain_seq, request_id, user_id, username, roles, store_id, address, user_agent,"
        " kind, severity, entity_type, entity_id, before::text, after::text, prev_hash, hash FROM audit_log"
        " ORDER BY chain_seq"
    ).fetchall()
    head = hashlib.sha256(b"ims audit chain 3").digest()
    for at, audit_id, no, seq, request, user, name, roles, store, address, agent, *rest in rows:
        kind, severity, entity, entity_id, before, after, prev_hash, digest = rest
        assert prev_hash == head
        columns = [
            f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
            *(str(audit_id), str(no), str(seq), request, user and str(user), name, json.dumps(roles)),
            *(store and str(store), address and f"{address}/128", agent),
            *(kind, severity, entity, entity_id, before, after),
        ]
        head = hashlib.sha256(prev_hash + json.dumps(columns, ensure_ascii=False).encode()).digest()
        assert digest == head
    assert filled.execute("SELECT hash FROM audit_chains WHERE chain_no = 3").fetchone() == (head,)


def test_an_event_is_kept_as_it_was_given(filled):
    row = filled.execute(
        "SELECT user_id, username, roles, store_id, host(address), severity, entity_id, before, after"
        " FROM audit_log WHERE chain_seq = 2"
    ).fetchone()
    assert row == (
        *(3, "asha", ["manager", "staff"], 2, "2001:db8::1", "info", "7"),
        {"total": "1.50", "lines": [1, {"b": None}]},
        {"total": "2.00", "at": "2026-11-25", "zeta": 1, "a": "naïve�?"},
    )


def test_retention_drops_whole_months_and_what_is_left_verifies(connection):
    for month in ("2016-01-15", "2019-10-31 23:59:59.9", "2019-11-01", "2020-03-01"):
        for _ in range(3):
            connection.execute(
                """SELECT ims_append_audit('[{"kind": "order.created", "severity": "info"}]', %s)""", (f"{month}+00",)
            )
        connection.commit()
    kept = judge(connection).heads
    before = connection.execute("SELECT count(*) FROM audit_log WHERE at >= '2019-11-01+00'").fetchone()
    today = dt.date(2026, 11, 25)
    assert retain(connection, 7, today, dry_run=True).rows == 6
    connection.rollback()
    assert judge(connection).rows == 12
    done = retain(connection, 7, today)
    connection.commit()
    assert (done.before_on, done.rows) == (dt.date(2019, 11, 1), 6)
    verdict = judge(connection, kept)
    assert verdict.is_whole, verdict.found
    assert connection.execute("SELECT count(*) FROM audit_log WHERE kind = 'order.created'").fetchone() == before
    (noted,) = connection.execute("SELECT after FROM audit_log WHERE kind = 'audit.retained'").fetchone()
    assert noted["rows"] == 6
    assert retain(connection, 7, today).rows == 0
    connection.commit()
    attack(connection, "DELETE FROM audit_log WHERE at < '2020-01-01'")
    assert not judge(connection).is_whole


def test_the_command_says_what_is_broken_and_ends_with_1(filled, installation, tmp_path):
    heads = tmp_path / "heads.json"
    filled.commit()

    def call(*arguments):
        command = [sys.executable, "-m", "ims.cli", "audit", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first = call("verify", "--heads", str(heads))
    assert (first.returncode, "whole: 80 rows in 16 chains" in first.stdout) == (0, True), first.stderr
    assert Head(**json.loads(heads.read_text())[3]).chain_seq == 80
    attack(filled, "UPDATE audit_log SET username = 'ashb' WHERE chain_seq = 42")
    (audit_id,) = filled.execute("SELECT audit_id FROM audit_log WHERE chain_seq = 42").fetchone()
    filled.rollback()
    second = call("verify", "--against", str(heads))
    assert second.returncode == 1
    assert f"BROKEN chain 3, row 42, audit_id {audit_id}: the row is not what was hashed" in second.stdout
    told = json.loads(call("verify", "--json").stdout)
    assert (told["is_whole"], told["found"][0]["chain_seq"]) == (False, 42)
    third = call("retain", "--dry-run")
    assert (third.returncode, third.stdout[:7]) == (0, "0 rows "), third.stderr
    wrong = call("verify", "--against", str(tmp_path))
    assert (wrong.returncode, "cannot be read" in wrong.stderr) == (2, True)
