"""The embedded PostgreSQL: made on first use, left running, found again, recovered after a kill, ended by `stop`."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from ims.postgres import connect_databases, stop_server
from ims.settings import Settings

pytestmark = pytest.mark.e2e


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    # longer than a Unix socket's path may be (107 bytes)
    home = tmp_path / ("a long folder name " * 5) / "home"
    home.parent.mkdir(parents=True)
    made = Settings(home=home, database_url=None, _env_file=None)
    yield made
    stop_server(made)


def server_pid(settings: Settings) -> int:
    return int((settings.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def write(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def test_it_is_made_recovered_and_stopped(settings: Settings) -> None:
    databases = connect_databases(settings)
    write(databases.operational, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    first = server_pid(settings)
    assert connect_databases(settings) == databases
    assert server_pid(settings) == first, "a second command finds the first one's server"

    family = [psutil.Process(first), *psutil.Process(first).children()]
    os.kill(first, signal.SIGKILL)
    psutil.wait_procs(family, timeout=20)
    recovered = connect_databases(settings)
    with psycopg.connect(recovered.operational) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]

    second = psutil.Process(server_pid(settings))
    assert stop_server(settings) is True
    # its pid file goes before the process itself does
    psutil.wait_procs([second], timeout=20)
    assert not second.is_running() or second.status() == psutil.STATUS_ZOMBIE
    assert stop_server(settings) is False


@pytest.mark.slow
def test_a_recovery_may_take_its_time(settings: Settings) -> None:
    """Longer than the library waits: the server is stopped as soon as it begins, and goes on after twelve seconds."""
    databases = connect_databases(settings)
    write(databases.operational, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    first = server_pid(settings)
    family = [psutil.Process(first), *psutil.Process(first).children()]
    os.kill(first, signal.SIGKILL)
    psutil.wait_procs(family, timeout=20)
    held = []

    def hold() -> None:
        while True:
            with contextlib.suppress(OSError, IndexError, ValueError):
                if server_pid(settings) != first:
                    break
            time.sleep(0.001)
        os.kill(server_pid(settings), signal.SIGSTOP)
        held.append(server_pid(settings))
        time.sleep(12)
        os.kill(server_pid(settings), signal.SIGCONT)

    thread = threading.Thread(target=hold)
    thread.start()
    began = time.monotonic()
    recovered = connect_databases(settings)
    assert time.monotonic() - began > 11
    thread.join()
    assert held == [server_pid(settings)]
    with psycopg.connect(recovered.operational) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def test_a_pid_file_of_another_program_is_not_believed(settings: Settings) -> None:
    connect_databases(settings)
    pid_file = settings.home / "postgres" / "postmaster.pid"
    text = pid_file.read_text()
    stop_server(settings)
    pid_file.write_text(text.replace(text.splitlines()[0], str(os.getpid()), 1))
    connect_databases(settings)
    assert server_pid(settings) != os.getpid()
