"""The moment that the repository's page of readiness speaks of: when, which commit, the state of what each proof reads.

Signed like the evidence, so that the page can be made again from files alone, also where git has that commit no more.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ims.failure import WrongInput
from ims.readiness.code import code_at, git
from ims.readiness.evidence import digest
from ims.readiness.ledger import Ledger, is_signed, sign
from ims.readiness.lines import Proof, lines
from ims.readiness.running import proofs_of

if TYPE_CHECKING:
    from ims.settings import Settings

PURPOSE = "the moment of the page"


@dataclass(frozen=True)
class Moment:
    """`at` in UTC; `states` by the command of each proof."""

    at: str
    commit: str
    states: Mapping[str, str]

    def of(self, proof: Proof) -> str:
        """The state of what the proof reads; empty for one that was not there yet."""
        return self.states.get(proof.command, "")

    @property
    def when(self) -> dt.datetime:
        """As a time."""
        return dt.datetime.fromisoformat(self.at)


def mark_moment(settings: Settings, root: Path | None = None) -> Moment:
    """Now, and the commit that is here; signed by this installation, which must be one that may."""
    ledger = Ledger(root)
    code = code_at("HEAD", root)
    moment = Moment(
        dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        git("rev-parse", "--short", "HEAD", root=root).strip(),
        {proof.command: code.of(proof) for proof in proofs_of(lines())},
    )
    signer, seal = sign(settings, digest(asdict(moment), PURPOSE))
    ledger.refuse_stranger(signer)
    text = json.dumps({**asdict(moment), "signer": signer, "seal": seal}, sort_keys=True, indent=1)
    _path(ledger).write_text(f"{text}\n", encoding="utf-8")
    return moment


def read_moment(root: Path | None = None) -> Moment | None:
    """The moment that was marked last; None where none was. Raises WrongInput for one that nobody signed who may."""
    ledger = Ledger(root)
    if not _path(ledger).exists():
        return None
    try:
        body = json.loads(_path(ledger).read_text(encoding="utf-8"))
        signer, seal = body.pop("signer"), body.pop("seal")
        moment = Moment(**body)
        is_right = signer in ledger.signers() and is_signed(signer, seal, digest(body, PURPOSE))
    except (ValueError, KeyError, TypeError, AttributeError):
        is_right = False
    if not is_right:
        raise WrongInput(f"{_path(ledger)} was tampered with: `ims readiness --keep` writes it.")
    return moment


def _path(ledger: Ledger) -> Path:
    return ledger.folder / "moment.json"
