"""What a service refuses, and why: the reasons that HTTP answers with a problem and a status.

A refusal undoes the transaction it is raised in. `code` is stable and for programs, the sentence is for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the request: where (a path like `lines.2.quantity`), and the rule it breaks."""

    where: str
    rule: str


class Refusal(Exception):
    """The request is refused and nothing was changed."""

    status: ClassVar[int] = 400

    def __init__(self, code: str, detail: str, *faults: Fault, **members: Any) -> None:
        super().__init__(detail)
        self.code, self.detail, self.faults, self.members = code, detail, faults, members


class NotFound(Refusal):
    """What was asked for does not exist."""

    status = 404


class NotPermitted(Refusal):
    """The user may not do this at all, or not to this record."""

    status = 403


class OutOfReach(NotPermitted):
    """The record belongs to a store that the user's permission does not reach."""


class Conflict(Refusal):
    """The record's state does not allow it: not enough stock, already shipped, a key used for something else."""

    status = 409


class PreconditionFailed(Refusal):
    """The record changed since the caller read it."""

    status = 412


class Invalid(Refusal):
    """The request is understood but breaks a rule of the chain."""

    status = 422


class PreconditionRequired(Refusal):
    """The request must say which state of the record it was made for, or carry a key."""

    status = 428


class TooMany(Refusal):
    """Too many requests; `retry_after` (seconds) says when to come back."""

    status = 429


class Unavailable(Refusal):
    """What it takes cannot be reached now; `retry_after` (seconds) says when to come back."""

    status = 503
