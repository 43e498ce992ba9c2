"""What the evidence says of a line: met, failed, stale, not run, or for a cloud; never met without evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ims.readiness.evidence import Evidence
from ims.readiness.lines import OF_THE_CODE, Line, Proof

# the worst of its proofs is what a line is
STATES = ("failed", "not run", "stale", "met")


class State(Protocol):
    """The state of the code, by what a proof reads of it."""

    def of(self, proof: Proof) -> str:
        """Its name."""
        ...


@dataclass(frozen=True)
class Verdict:
    """`state` is met, failed, stale, not run or cloud; `because` says why in a sentence."""

    line: Line
    state: str
    because: str
    evidence: tuple[Evidence, ...] = ()


def judge(line: Line, records: Sequence[Evidence], code: State | None, now: dt.datetime) -> Verdict:
    """The verdict on a line, from the latest record of each of its proofs; `code` is None where it cannot be told."""
    found = [_judge(proof, records, code, now) for proof in line.proofs]
    used = tuple(evidence for _, _, evidence in found if evidence is not None)
    if not found and line.open is None:
        return Verdict(line, "cloud", f"needs {line.cloud}")
    for state in STATES[:-1]:
        reasons = [because for each, because, _ in found if each == state]
        if state == "not run" and line.open is not None:
            reasons.append(line.open)
        if reasons:
            return Verdict(line, state, "; ".join(reasons), used)
    because = "; ".join(because for _, because, _ in found)
    if line.cloud is not None:
        return Verdict(line, "cloud", f"{because}; the rest needs {line.cloud}", used)
    return Verdict(line, "met", because, used)


def is_shown(proof: Proof, records: Sequence[Evidence], code: State | None, now: dt.datetime) -> bool:
    """Whether the latest run of this proof shows what it should, here and now."""
    return _judge(proof, records, code, now)[0] == "met"


def _judge(
    proof: Proof, records: Sequence[Evidence], code: State | None, now: dt.datetime
) -> tuple[str, str, Evidence | None]:
    latest = next((each for each in reversed(records) if each.command == proof.command), None)
    if latest is None:
        return "not run", f"never run: {proof.command}", None
    began = dt.datetime.fromisoformat(latest.began_at)
    when = f"{began:%Y-%m-%d %H:%M} UTC at {latest.commit}"
    if not latest.ended_well:
        return "failed", f"{proof.command} ended with {latest.exit_code}, {when}", latest
    if proof.measure is not None:
        if latest.value is None:
            return "not run", f"{proof.command} measured nothing, {when}", latest
        if not proof.is_within(latest.value):
            limit = proof.at_most if proof.at_most is not None else proof.at_least
            return "failed", f"{proof.command}: {latest.value:,g} {proof.unit}, limit {limit:,g}, {when}", latest
    if proof.kind in OF_THE_CODE and (code is None or latest.code != code.of(proof)):
        return "stale", f"the code has changed since {proof.command}, {when}", latest
    if now - began > dt.timedelta(days=proof.days):
        return "stale", f"{proof.command} is older than {proof.days} days, {when}", latest
    value = "" if latest.value is None else f" {latest.value:,g} {proof.unit},"
    return "met", f"{proof.command}:{value} {latest.seconds:,.0f} s, {when}", latest
