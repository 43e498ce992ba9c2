"""A drill that is interrupted, or killed outright, leaves nothing running and nothing on the disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

DRILLS = Path(__file__).parents[2] / "deploy" / "drills"
POSTGRES = Path("/usr/lib/postgresql/15/bin/initdb")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not POSTGRES.exists(), reason="deploy/drills/install.sh brings what the drills need"),
]


def begun() -> tuple[subprocess.Popen[str], Path]:
    """A drill at work, with its server up, and its folder."""
    before = set(Path(tempfile.gettempdir()).glob("ims-drill-from-foreign-*"))
    process = subprocess.Popen(
        [sys.executable, str(DRILLS / "from_foreign.py")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("mapped into"):
            break
    (folder,) = set(Path(tempfile.gettempdir()).glob("ims-drill-from-foreign-*")) - before
    assert of(folder), "its server runs"
    return process, folder


def of(folder: Path) -> list[int]:
    """Processes that belong to the drill of this folder."""
    mark = f"IMS_DRILL={folder}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            content = (path / "environ").read_bytes()
        except OSError:
            continue
        if mark in content + b"\0" and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_clears_away_what_it_began(number: signal.Signals) -> None:
    process, folder = begun()
    process.send_signal(number)
    said, _ = process.communicate(timeout=90)
    assert "interrupted: clearing away" in said
    assert process.returncode == 128 + number
    assert not folder.exists()
    assert of(folder) == []


def test_what_a_killed_drill_left_is_swept_away_by_one_command() -> None:
    process, folder = begun()
    process.kill()
    process.communicate(timeout=30)
    assert folder.exists()
    assert of(folder)
    swept = subprocess.run([sys.executable, str(DRILLS / "scene.py")], capture_output=True, text=True, timeout=120)
    assert f"clearing {folder}" in swept.stdout
    assert not folder.exists()
    assert of(folder) == []
