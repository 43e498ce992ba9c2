"""The repository's evidence (docs/readiness): what installations found, each record signed and chained.

A record is signed with a key that only the installation has which ran the command; the keys that count are listed in
`signers`, so a record that somebody edits or makes up is found. What is taken away again is found in git's history.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.identity.keys import load_signer
from ims.failure import WrongInput
from ims.readiness.code import ROOT, git
from ims.readiness.evidence import FIRST, Evidence, Store, digest
from ims.readiness.lines import EVIDENCE

if TYPE_CHECKING:
    from ims.settings import Settings


FOLDERS = re.compile(r"/(?:tmp|home|root|srv|opt|var|mnt|Users)/(?:[\w.@+-]+/)*(?=[\w.@+-])")


def hide_folders(text: str) -> str:
    """What was printed without where things lie on the machine, which proves nothing and is nobody's business.

    >>> hide_folders("rootdir: /tmp/clone/ims, /root/ims/.venv/lib/fastapi/testclient.py:1")
    'rootdir: …/ims, …/testclient.py:1'
    """
    return FOLDERS.sub("…/", text)


class Ledger:
    """The evidence of a checkout."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or ROOT
        self.folder = self.root / EVIDENCE
        self.path = self.folder / "records.jsonl"

    def read(self) -> tuple[list[Evidence], list[str]]:
        """The records that can be trusted, oldest first, and what is wrong with the others."""
        trusted, before, known = list[Evidence](), FIRST, self.signers()
        written = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        for number, line in enumerate(written, start=1):
            try:
                body = json.loads(line)
                signer, seal = body.pop("signer"), body.pop("seal")
                evidence = Evidence(**body)
            except (ValueError, KeyError, TypeError, AttributeError):
                return trusted, [f"record {number} of {EVIDENCE} is no record"]
            if signer not in known:
                return trusted, [f"record {number} of {EVIDENCE} is signed by nobody whom {EVIDENCE}/signers names"]
            if not is_signed(signer, seal, digest(body, before)):
                return trusted, [f"record {number} of {EVIDENCE} was tampered with, or one before it"]
            if not self._has_output(evidence):
                return trusted, [f"what record {number} of {EVIDENCE} printed was tampered with or removed"]
            trusted.append(evidence)
            before = seal
        return trusted, []

    def keep(self, settings: Settings, store: Store) -> int:
        """Append what the installation has found since, of each command its last; how many records that were.

        Raises WrongInput where the installation may not sign, or either evidence cannot be trusted.
        """
        self.refuse_stranger(sign(settings, b"")[0])
        held, faults = self.read()
        found, others = store.read()
        if faults or others:
            raise WrongInput(f"Nothing is kept: {'; '.join([*faults, *others])}.")
        written = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        before = json.loads(written[-1])["seal"] if written else FIRST
        fresh = _latest_of(found, after=_latest_of(held))
        for found_here in fresh:
            printed = hide_folders(store.output_of(found_here).read_text(encoding="utf-8")).encode()
            evidence = replace(found_here, output=hashlib.sha256(printed).hexdigest())
            body = asdict(evidence)
            signer, before = sign(settings, digest(body, before))
            written.append(json.dumps({**body, "signer": signer, "seal": before}, sort_keys=True))
            self.output_of(evidence).parent.mkdir(parents=True, exist_ok=True)
            self.output_of(evidence).write_bytes(printed)
        self.path.write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
        return len(fresh)

    def rewritten(self) -> list[str]:
        """Commits whose evidence is not the beginning of what is there now: something was taken away since."""
        now = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        where = self.path.relative_to(self.root)
        commits = git("log", "--format=%h", "--diff-filter=AM", "--", str(where), root=self.root).split()
        return [each for each in commits if not now.startswith(git("show", f"{each}:{where}", root=self.root))]

    def refuse_stranger(self, signer: str) -> None:
        """Raises WrongInput for an installation that `signers` does not name."""
        if signer not in self.signers():
            raise WrongInput(
                f"{EVIDENCE}/signers does not name this installation. Who may commit adds a line there: {signer} "
                "and which machine it is."
            )

    def signers(self) -> set[str]:
        """The public keys that count."""
        path = self.folder / "signers"
        return {line.split()[0] for line in path.read_text().splitlines() if line.strip()} if path.exists() else set()

    def output_of(self, evidence: Evidence) -> Path:
        """The file with what the command printed."""
        return self.folder / "output" / f"{Path(evidence.output).name}.txt"

    def _has_output(self, evidence: Evidence) -> bool:
        path = self.output_of(evidence)
        return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == evidence.output


def all_records(settings: Settings, root: Path | None = None) -> tuple[list[Evidence], list[str]]:
    """What the installation found and what the repository holds, oldest first, and what is wrong with either."""
    own, faults = Store(settings).read()
    held, others = Ledger(root).read()
    return sorted([*held, *own], key=lambda each: each.began_at), [*faults, *others]


def output_of(settings: Settings, evidence: Evidence) -> Path | None:
    """What the command printed, wherever it is kept; None where it is no longer there."""
    paths = (each.output_of(evidence) for each in (Store(settings), Ledger()))
    return next((path for path in paths if path.exists()), None)


def _latest_of(records: Iterable[Evidence], after: Iterable[Evidence] = ()) -> list[Evidence]:
    """Of each command the last record, oldest first; with `after`, only what began later than its last there."""
    known = {each.command: each.began_at for each in after}
    last = {each.command: each for each in sorted(records, key=lambda each: each.began_at)}
    return [each for each in last.values() if each.began_at > known.get(each.command, "")]


def sign(settings: Settings, said: bytes) -> tuple[str, str]:
    """The public key of this installation, and its signature."""
    key = load_signer(settings, "readiness")
    return _text(key.public_key().public_bytes_raw()), _text(key.sign(said))


def is_signed(signer: str, seal: str, said: bytes) -> bool:
    """Whether the holder of that key signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(signer)).verify(base64.b64decode(seal), said)
    except (InvalidSignature, ValueError):
        return False
    return True


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
