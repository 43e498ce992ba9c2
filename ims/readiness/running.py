"""Runs the commands that prove lines, from the root of a checkout, and keeps what came of each."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ims.machine import circumstances
from ims.readiness import code as checkout
from ims.readiness.evidence import Evidence, Store
from ims.readiness.lines import Line, Proof

CHANGED = "changed while it ran"
STOPPED = 124  # as timeout(1) says it
GRACE_SECONDS = 30.0
WORLD = "IMS_DRILLS_WORLD"  # where drills keep the chains that they make


def proofs_of(wanted: Iterable[Line]) -> list[Proof]:
    """What there is to run for the lines, a command that shows several of them once."""
    return list({proof.command: proof for line in wanted for proof in line.proofs}.values())


@contextmanager
def one_world() -> Iterator[None]:
    """Drills play with copies of the same chains for as long as this lasts, where nothing else is said."""
    if WORLD in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="ims-drills-") as folder:
        os.environ[WORLD] = folder
        try:
            yield
        finally:
            del os.environ[WORLD]


def run(proof: Proof, store: Store) -> Evidence:
    """Run a proof's command to its end, or until its minutes are over, and keep the evidence."""
    code, began = checkout.code_here().of(proof), dt.datetime.now(dt.UTC)
    start = time.monotonic()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    with subprocess.Popen(
        shlex.split(proof.command),
        cwd=checkout.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=proof.minutes * 60)
            exit_code = process.returncode
        except subprocess.TimeoutExpired:
            _end(process)
            output, _ = process.communicate()
            output += f"\nstopped after {proof.minutes:g} minutes\n"
            exit_code = STOPPED
        except BaseException:
            _end(process)  # interrupted: nothing goes on running, and nothing is kept of half a proof
            raise
    return store.append(
        output,
        command=proof.command,
        kind=proof.kind,
        began_at=began.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - start, 1),
        exit_code=exit_code,
        value=proof.value_in(output),
        commit=checkout.git("rev-parse", "--short", "HEAD").strip(),
        code=code if checkout.code_here().of(proof) == code else CHANGED,
        machine=circumstances()["machine"],
    )


def _end(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
