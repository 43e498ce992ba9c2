"""The web app as a process: started, answering, ended as a supervisor would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import httpx

LOGS: dict[int, IO[bytes]] = {}
SERVE = "import sys; from ims.web import serve; serve(sys.argv[1], '127.0.0.1', int(sys.argv[2]))"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(role: str, port: int) -> subprocess.Popen[bytes]:
    """The web app as a process, answering."""
    return begin([sys.executable, "-c", SERVE, role, str(port)], port)


def begin(command: Sequence[str | Path], port: int, **variables: str) -> subprocess.Popen[bytes]:
    """A command that serves, answering. It writes to a file: a pipe that nobody reads stops it once it is full."""
    log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by read_log)
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={**os.environ, **variables}
    )
    LOGS[process.pid] = log
    for _ in range(600):
        if process.poll() is not None:
            raise AssertionError(f"the web app ended: {read_log(process)}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200:
                return process
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the web app did not answer within a minute: {read_log(process)}")


def stop(process: subprocess.Popen[bytes]) -> str:
    """End it as a supervisor would; its log."""
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    output = read_log(process)
    assert process.returncode in {0, -signal.SIGTERM}, output
    assert "Traceback" not in output, output
    return output


def read_log(process: subprocess.Popen[bytes]) -> str:
    with LOGS.pop(process.pid) as log:
        log.seek(0)
        return log.read().decode()
