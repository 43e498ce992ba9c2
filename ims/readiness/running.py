"""Runs the commands that prove lines, from the root of a checkout, and keeps what came of each."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from ims.failure import WrongInput
from ims.machine import circumstances
from ims.readiness.evidence import Evidence, Store
from ims.readiness.lines import Line, Proof

ROOT = Path(__file__).resolve().parents[2]
STOPPED = 124  # as timeout(1) says it
GRACE_SECONDS = 30.0


def proofs_of(wanted: Iterable[Line]) -> list[Proof]:
    """What there is to run for the lines, a command that shows several of them once."""
    return list({proof.command: proof for line in wanted for proof in line.proofs}.values())


def code_here() -> str:
    """A name for the state of the code: its tree in git, and what differs from it. Raises WrongInput without one."""
    tree = _git("rev-parse", "HEAD^{tree}")
    changed = _git("status", "--porcelain", "--untracked-files=all")
    if not changed:
        return tree
    differs = _git("diff", "HEAD") + changed
    return f"{tree}+{hashlib.sha256(differs.encode()).hexdigest()[:12]}"


def run(proof: Proof, store: Store) -> Evidence:
    """Run a proof's command to its end, or until its minutes are over, and keep the evidence."""
    code, began = code_here(), dt.datetime.now(dt.UTC)
    start = time.monotonic()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    with subprocess.Popen(
        shlex.split(proof.command),
        cwd=ROOT,
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
        commit=_git("rev-parse", "--short", "HEAD"),
        code=code,
        machine=circumstances()["machine"],
    )


def _end(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _git(*words: str) -> str:
    command = ["git", "-C", str(ROOT), *words]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise WrongInput(
            f"readiness speaks of a state of the code, and {ROOT} is no git checkout that can be read ({error})."
        ) from None
    return found.stdout.strip()
