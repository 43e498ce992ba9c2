"""The failures a command ends with: one paragraph for a person, and the exit code."""

from __future__ import annotations


class Failure(Exception):
    """The job failed (exit code 1)."""

    exit_code = 1


class WrongInput(Failure):
    """The call or the input was wrong (exit code 2)."""

    exit_code = 2


class Blocked(Failure):
    """A blocking check stopped publishing (exit code 3)."""

    exit_code = 3
