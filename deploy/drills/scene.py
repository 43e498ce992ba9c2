#!/usr/bin/env python
"""Where a drill plays: a scratch folder, and processes that end with it, also when the drill is interrupted.

Everything a drill starts carries the scratch folder's name in its environment, so that nothing can hide from the end.
`python deploy/drills/scene.py` clears away what a drill left that was killed outright.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "IMS_DRILL"
PREFIX = "ims-drill-"
GRACE_SECONDS = 20.0
HERE = Path(__file__).resolve().parent
Word = str | Path


class DrillFailed(SystemExit):
    """What was to be shown was not: the drill ends with 1 and this sentence."""


@dataclass
class Scene:
    """A drill at work in `folder`; `environment` is what its processes get."""

    folder: Path
    environment: dict[str, str]
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, name: str, command: Sequence[Word], *, user: str | None = None, **variables: str) -> psutil.Popen:
        """A process whose words go to `name`.log; it ends with the scene at the latest."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return psutil.Popen(
                _as_user(command, user),
                cwd=self.folder,
                env={**self.environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(
        self, command: Sequence[Word], *, user: str | None = None, may_fail: bool = False, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """A command to its end, with what it printed. Raises DrillFailed with its last words unless it `may_fail`."""
        words = _as_user(command, user)
        found = subprocess.run(
            words, cwd=self.folder, env={**self.environment, **variables}, capture_output=True, text=True
        )
        if found.returncode and not may_fail:
            raise DrillFailed(
                f"{' '.join(words)} ended with {found.returncode}: {(found.stdout + found.stderr)[-1500:]}"
            )
        return found

    def log(self, name: str) -> str:
        """The last words of a process."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]

    def folder_of(self, name: str, user: str | None = None) -> Path:
        """A folder inside the scene, of that user alone."""
        path = self.folder / name
        path.mkdir(mode=0o700)
        if user is not None and os.geteuid() == 0:
            shutil.chown(path, user)
        return path


@contextmanager
def scene(name: str) -> Iterator[Scene]:
    """A drill from here to its end: however it ends, nothing goes on running and the folder is gone."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user below it
    (folder / "drill.pid").write_text(str(os.getpid()))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _interrupt)
    os.environ[MARK] = str(folder)
    playing = Scene(folder, {**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        with playing.stack:
            yield playing
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # clearing away is not interrupted
        clear(folder)


def clear(folder: Path) -> None:
    """End what belongs to the scene of this folder and remove it; says how to where that fails."""
    left = _processes(folder)
    for each in left:
        with suppress(psutil.NoSuchProcess):
            # a server of PostgreSQL waits for its clients at SIGTERM, and leaves shared memory at SIGKILL
            each.send_signal(signal.SIGQUIT if each.name().startswith("postgres") else signal.SIGTERM)
    for each in psutil.wait_procs(left, timeout=GRACE_SECONDS)[1] + _processes(folder):
        with suppress(psutil.NoSuchProcess):
            each.kill()
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout.split()
    for namespace in [each for each in namespaces if each.startswith(namespace_prefix(folder))]:
        subprocess.run(["ip", "netns", "delete", namespace], check=False)
    shutil.rmtree(folder, ignore_errors=True)
    time.sleep(0.1)
    remaining = [str(each.pid) for each in _processes(folder) if each.status() != psutil.STATUS_ZOMBIE]
    if remaining or folder.exists():
        print(
            f"Not everything could be cleared away. As root: kill -9 {' '.join(remaining)}; rm -rf {folder}",
            file=sys.stderr,
        )


def namespace_prefix(folder: Path) -> str:
    """What the network namespaces of a scene begin with."""
    return f"drill{folder.name[-8:].lower()}"


def sweep() -> None:
    """Clear away the scenes whose drills are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError):
            if psutil.pid_exists(int((folder / "drill.pid").read_text())):
                continue
        print(f"clearing {folder}")
        clear(folder)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def wait_until(what: str, is_true: Callable[[], bool], seconds: float = 60, every: float = 0.1) -> float:
    """How many seconds it took to become true. Raises DrillFailed when it did not."""
    began = time.monotonic()
    while not is_true():
        if time.monotonic() - began > seconds:
            raise DrillFailed(f"After {seconds:g} s it is not so: {what}.")
        time.sleep(every)
    return time.monotonic() - began


def expect(is_so: bool, what: str) -> None:
    """A step of the drill that must hold; said when it does."""
    if not is_so:
        raise DrillFailed(f"NOT SO: {what}")
    say(f"shown: {what}")


def say(words: str) -> None:
    """A line of the drill's report, at once."""
    print(words, flush=True)


def _as_user(command: Sequence[Word], user: str | None) -> list[str]:
    words = [str(word) for word in command]
    return ["runuser", "-u", user, "--", *words] if user is not None and os.geteuid() == 0 else words


def _processes(folder: Path) -> list[psutil.Process]:
    mark = f"{MARK}={folder}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, psutil.NoSuchProcess):
            # nginx writes its title over its environment: it is known by where it works
            is_ours = mark in (path / "environ").read_bytes() + b"\0" or str(folder) in os.readlink(path / "cwd")
            if is_ours and int(path.name) != os.getpid():
                found.append(psutil.Process(int(path.name)))
    return found


def _interrupt(number: int, _: object) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    say("interrupted: clearing away")
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sweep()
