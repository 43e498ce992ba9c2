"""Monthly partitions: made once, whoever asks; rows move out of the default one without a trace."""

from __future__ import annotations

import datetime as dt
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from api.services import partitions
from api.services.audit import Event, record_now

TABLES = """
    CREATE TABLE visits (visit_id bigint GENERATED ALWAYS AS IDENTITY, visited_on date NOT NULL, note text,
        note_length integer GENERATED ALWAYS AS (length(note)) STORED,
        changed_xid bigint DEFAULT 1, updated_at timestamptz DEFAULT now(), CHECK (note <> ''),
        PRIMARY KEY (visit_id, visited_on)) PARTITION BY RANGE (visited_on);
    CREATE INDEX ON visits (note);
    CREATE TABLE moments (at timestamptz NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE remarks (visit_id bigint, visited_on date, FOREIGN KEY (visit_id, visited_on) REFERENCES visits);
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON visits
        FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('visits stay');
    CREATE TRIGGER leave_tombstones AFTER DELETE ON visits REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION ims_leave_tombstones('visit_id');
    CREATE TRIGGER touch BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION ims_touch();
    SELECT ims_make_partitions('visits', NULL, NULL);
    SELECT ims_make_partitions('moments', NULL, NULL);
"""
WHERE = "SELECT tableoid::regclass::text, count(*) FROM {} GROUP BY 1 ORDER BY 1"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def _count_moments(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM moments").fetchone()[0]


@pytest.fixture
def url(installation):
    """A database with two tables of its own, which a role that is no superuser owns."""
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("DROP ROLE IF EXISTS partition_owner")
        connection.execute("CREATE ROLE partition_owner")
        connection.execute("GRANT CREATE ON SCHEMA public TO partition_owner")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON deleted_rows TO partition_owner")
        connection.execute("SET LOCAL ROLE partition_owner")
        connection.execute(TABLES)
    yield installation.databases.operational
    with psycopg.connect(installation.databases.operational) as connection:
        connection.execute("DROP OWNED BY partition_owner")
        connection.execute("DROP ROLE partition_owner")


@pytest.fixture
def owner(url):
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE partition_owner")
        yield connection


def make(connection, table, first, last):
    return partitions.make(connection, table, dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def test_months_are_made_once_and_named_for_their_month(owner):
    assert make(owner, "visits", "2026-11-17", "2027-01-01") == 3
    assert make(owner, "visits", "2026-11-01", "2027-02-28") == 1
    names = ["visits_y2026m11", "visits_y2026m12", "visits_y2027m01", "visits_y2027m02"]
    assert partitions.older_than(owner, "visits", dt.date(2030, 1, 1)) == names
    owner.execute("INSERT INTO visits (visited_on) VALUES ('2026-11-30'), ('2026-12-01'), ('2031-05-05')")
    assert owner.execute(WHERE.format("visits")).fetchall() == [
        ("visits_default", 1),
        ("visits_y2026m11", 1),
        ("visits_y2026m12", 1),
    ]


def test_rows_of_the_default_partition_move_and_leave_no_trace(owner):
    owner.execute(
        "INSERT INTO visits (visited_on, note) VALUES ('2026-10-31', 'a'), ('2026-11-01', 'b'), ('2026-11-30', 'c')"
    )
    owner.execute("INSERT INTO remarks SELECT visit_id, visited_on FROM visits")
    before = owner.execute("SELECT * FROM visits ORDER BY visit_id").fetchall()
    owner.commit()
    assert make(owner, "visits", "2026-11-01", "2026-11-30") == 1
    assert owner.execute("SELECT * FROM visits ORDER BY visit_id").fetchall() == before
    assert owner.execute(WHERE.format("visits")).fetchall() == [("visits_default", 1), ("visits_y2026m11", 2)]
    assert owner.execute("SELECT count(*) FROM deleted_rows").fetchone() == (0,)
    owner.commit()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        owner.execute("INSERT INTO remarks VALUES (77, '2026-11-01')")


def test_who_reads_during_the_move_misses_nothing(owner, url):
    owner.execute("INSERT INTO moments VALUES ('2026-11-01 09:00+00')")
    owner.commit()
    make(owner, "moments", "2026-11-01", "2026-11-01")
    with ThreadPoolExecutor(1) as reader, psycopg.connect(url, autocommit=True) as watcher:
        seen = reader.submit(_count_moments, url)
        while watcher.execute(WAITING).fetchone() == (0,):
            assert not seen.done(), "the reader was to meet the move"
            time.sleep(0.01)
        owner.commit()
        assert seen.result(10) == 1


def test_a_partition_has_what_its_parent_has(owner):
    make(owner, "visits", "2026-11-01", "2026-11-01")
    owner.execute("INSERT INTO visits (visited_on, note) VALUES ('2026-11-01', 'b')")
    owner.commit()
    for statement, error in {
        "INSERT INTO visits (visited_on, note) VALUES ('2026-11-02', '')": psycopg.errors.CheckViolation,
        "INSERT INTO visits OVERRIDING SYSTEM VALUE SELECT 1, '2026-11-01'": psycopg.errors.UniqueViolation,
        "DELETE FROM visits_y2026m11": psycopg.errors.RaiseException,
        "UPDATE visits_default SET note = 'x'": psycopg.errors.RaiseException,
    }.items():
        with pytest.raises(error):
            owner.execute(statement)
        owner.rollback()
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = %s"
    assert owner.execute(indexes, ("visits_y2026m11",)).fetchone() == (2,)
    # the guard off, a row deleted in the partition itself leaves its tombstone under the table's name
    owner.execute("ALTER TABLE visits_y2026m11 DISABLE TRIGGER append_only")
    owner.execute("DELETE FROM visits_y2026m11")
    assert owner.execute("SELECT table_name, row_id FROM deleted_rows").fetchall() == [("visits", 1)]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "UTC", "America/New_York"])
def test_months_of_a_timestamp_are_those_of_utc(owner, zone):
    owner.execute(f"SET TimeZone = '{zone}'")
    owner.execute("INSERT INTO moments VALUES ('2026-10-31 23:59:59.999999+00'), ('2026-11-01 00:00+00')")
    assert make(owner, "moments", "2026-11-01", "2026-11-01") == 1
    assert owner.execute("SELECT at AT TIME ZONE 'UTC' FROM moments_y2026m11").fetchall() == [
        (dt.datetime(2026, 11, 1),)
    ]


def test_two_at_once_make_a_month_once_while_others_write(url):
    def work(number):
        with psycopg.connect(url) as connection:
            if number % 2:
                return make(connection, "visits", "2026-01-01", "2026-12-01")
            for day in range(1, 28):
                connection.execute("INSERT INTO visits (visited_on) VALUES (%s)", (dt.date(2026, 6, day),))
                connection.commit()
            return 0

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(8))) == 12
    with psycopg.connect(url) as connection:
        assert connection.execute(WHERE.format("visits")).fetchall() == [("visits_y2026m06", 4 * 27)]


def test_only_tables_by_month_are_taken(owner):
    with pytest.raises(psycopg.errors.RaiseException, match="stores is not partitioned by range"):
        make(owner, "stores", "2026-11-01", "2026-11-01")


def test_every_table_is_kept_ahead(url):
    today = dt.date(2026, 11, 25)
    made = partitions.keep_ahead(url, months=2, today=today)
    with psycopg.connect(url) as connection:
        tables = partitions.partitioned_tables(connection)
        assert {"audit_log", "moments", "visits"} <= set(tables)
        assert made == 3 * len(tables)
        assert partitions.older_than(connection, "audit_log", dt.date(2027, 1, 1)) == [
            "audit_log_y2026m11",
            "audit_log_y2026m12",
        ]
    assert partitions.keep_ahead(url, months=2, today=today) == 0


def test_a_table_in_use_waits_for_the_next_time(url):
    with psycopg.connect(url) as busy:
        busy.execute("LOCK TABLE visits IN ROW EXCLUSIVE MODE")
        made = partitions.keep_ahead(url, months=0)
        assert partitions.older_than(busy, "visits", dt.date(9999, 1, 1)) == []
    assert made >= 2
    assert partitions.keep_ahead(url, months=0) == 1


def test_a_request_at_work_never_waits_in_a_circle_with_the_making_of_partitions(url):
    """It wrote a row that a partitioned table refers to, and then writes the audit log: so does every sign-in."""
    with psycopg.connect(url) as busy, ThreadPoolExecutor(1) as pool:
        busy.execute("INSERT INTO users (username, password_hash) VALUES ('asha', 'x')")
        making = pool.submit(partitions.keep_ahead, url, 0)
        time.sleep(0.4)
        record_now(busy, [Event(kind="user.created")])
        busy.commit()
        assert making.result() >= 3
    assert partitions.keep_ahead(url, months=0) == 0


def test_old_months_are_dropped_whole(owner):
    make(owner, "visits", "2026-01-01", "2026-04-01")
    owner.execute("INSERT INTO visits (visited_on) VALUES ('2026-01-05'), ('2026-03-05')")
    assert partitions.drop_older(owner, "visits", dt.date(2026, 3, 15)) == ["visits_y2026m01", "visits_y2026m02"]
    assert owner.execute(WHERE.format("visits")).fetchall() == [("visits_y2026m03", 1)]
    assert owner.execute("SELECT count(*) FROM deleted_rows").fetchone() == (0,)
