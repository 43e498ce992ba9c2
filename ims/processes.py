"""The processes IMS starts beside itself: recorded under `home`/run, so that another command can end them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def start(home: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `command` with its output in `home`/logs/`name`.log, and record it."""
    (home / "logs").mkdir(parents=True, exist_ok=True)
    with (home / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
    record(home, name, process.pid)
    return process


def record(home: Path, name: str, pid: int) -> None:
    """Remember a process by pid and start time: a reused pid is not ours."""
    import psutil

    folder = home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"pid": pid, "started": psutil.Process(pid).create_time()}
    (folder / f"{name}.json").write_text(json.dumps(facts))


def forget(home: Path, name: str) -> None:
    """The process has ended by itself."""
    (home / "run" / f"{name}.json").unlink(missing_ok=True)


def stop_recorded(home: Path, seconds: float = 30) -> list[str]:
    """End every recorded process and its children, kindly first; the names of those that were running."""
    import psutil

    ended = []
    for path in sorted((home / "run").glob("*.json")):
        facts = json.loads(path.read_text())
        path.unlink(missing_ok=True)
        try:
            process = psutil.Process(facts["pid"])
            if process.create_time() != facts["started"]:
                continue
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for member in family:
            _signal(member, "terminate")
        for member in psutil.wait_procs(family, timeout=seconds)[1]:
            _signal(member, "kill")
        ended.append(path.stem)
    return ended


def _signal(process: object, method: str) -> None:
    import psutil

    try:
        getattr(process, method)()
    except psutil.NoSuchProcess:
        return  # it ended between our look and our word
