"""What was run, when, on which code and machine, and what came of it: kept under IMS_HOME/readiness, only appended to.

Each record is sealed with the installation's secret over itself and the seal before it, and the head says how many
there are: a record that was changed, removed or put elsewhere by hand is found. What the command printed lies beside,
named by its SHA-256.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.identity.keys import load_vault

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

    from ims.settings import Settings

FIRST = "the first record"


@dataclass(frozen=True)
class Evidence:
    """One run of one command. `code` names the state of the code, `value` what was measured; times are UTC."""

    command: str
    kind: str
    began_at: str
    seconds: float
    exit_code: int
    value: float | None
    commit: str
    code: str
    machine: Mapping[str, Any]
    output: str

    @property
    def ended_well(self) -> bool:
        """Whether the command itself said yes."""
        return self.exit_code == 0


class Store:
    """The records of an installation."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.home / "readiness"
        self.path = self.folder / "evidence.jsonl"
        self.head = self.folder / "head"
        self._vault: Fernet = load_vault(settings, "readiness")

    def append(self, output: str, **given: Any) -> Evidence:
        """Keep a run with what it printed."""
        (self.folder / "output").mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(output.encode()).hexdigest()
        (self.folder / "output" / f"{name}.txt").write_text(output, encoding="utf-8")
        evidence = Evidence(output=name, **given)
        with self.path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            written = _whole_lines(file.read())
            file.truncate(sum(len(line.encode()) + 1 for line in written))
            before = json.loads(written[-1])["seal"] if written else FIRST
            body = asdict(evidence)
            seal = self._vault.encrypt(digest(body, before)).decode()
            file.write(json.dumps({**body, "seal": seal}, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
            # after the record: a crash between the two leaves a head that is behind, which is no tampering
            draft = self.head.with_suffix(".part")
            draft.write_bytes(self._vault.encrypt(f"{len(written) + 1} {seal}".encode()))
            draft.replace(self.head)
        return evidence

    def read(self) -> tuple[list[Evidence], list[str]]:
        """The records that can be trusted, oldest first, and what is wrong with the others.

        A record follows from all before it: after the first that was tampered with none can be trusted.
        """
        trusted, before = list[Evidence](), FIRST
        count, last = self._read_head()
        written = _whole_lines(self.path.read_text(encoding="utf-8")) if self.path.exists() else []
        if len(written) < count:
            held = "no head that was written here" if count == sys.maxsize else f"{count} records written"
            return [], [f"{self.path} has {held} and {len(written)} records"]
        for number, line in enumerate(written, start=1):
            try:
                body = json.loads(line)
                seal = body.pop("seal")
                evidence = Evidence(**body)
            except (ValueError, KeyError, TypeError, AttributeError):
                return trusted, [f"record {number} of {self.path} is no record"]
            if not self._is_sealed(body, before, seal):
                return trusted, [f"record {number} of {self.path} was tampered with, or one before it was removed"]
            if not self._has_output(evidence):
                return trusted, [f"what record {number} of {self.path} printed was tampered with or removed"]
            if number == count and seal != last:
                return trusted, [f"record {number} of {self.path} is another one than was written"]
            trusted.append(evidence)
            before = seal
        return trusted, []

    def output_of(self, evidence: Evidence) -> Path:
        """The file with what the command printed."""
        return self.folder / "output" / f"{Path(evidence.output).name}.txt"

    def _read_head(self) -> tuple[int, str]:
        from cryptography.fernet import InvalidToken

        if not self.path.exists() and not self.head.exists():
            return 0, FIRST
        try:
            count, seal = self._vault.decrypt(self.head.read_bytes()).decode().split()
        except (OSError, InvalidToken):
            return sys.maxsize, ""  # no head that we wrote: nothing says that these are all
        return int(count), seal

    def _has_output(self, evidence: Evidence) -> bool:
        path = self.output_of(evidence)
        return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == evidence.output

    def _is_sealed(self, body: Mapping[str, Any], before: str, seal: str) -> bool:
        from cryptography.fernet import InvalidToken

        try:
            return self._vault.decrypt(seal.encode()) == digest(body, before)
        except InvalidToken:
            return False


def _whole_lines(text: str) -> list[str]:
    """Without a last line that a crash cut off."""
    return text[: text.rfind("\n") + 1].splitlines()


def digest(body: Mapping[str, Any], before: str) -> bytes:
    """What is sealed of a record: itself and the seal before it."""
    return hashlib.sha256(f"{before}\n{json.dumps(body, sort_keys=True)}".encode()).digest()
