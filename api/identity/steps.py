"""What a sign-in form carries from the password to the session: sealed, for one purpose, five minutes long.

It opens nothing by itself: each step checks the account anew, and a changed password makes it worthless.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from api.identity.accounts import Account

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

Purpose = Literal["code", "new-password", "enrol"]
SECONDS = 300
LONGEST = 1000


@dataclass(frozen=True)
class Step:
    """A step that is due for an account, and when its password last changed as the step was offered."""

    purpose: Purpose
    user_id: int
    stamp: str

    def is_of(self, account: Account) -> bool:
        """Whether the account still is as it was."""
        return account.is_open and self.stamp == account.password_changed_at.isoformat()


def next_step(account: Account, needs_factor: bool, *, is_code_given: bool) -> Purpose | None:
    """What is still to do before the account gets a session; None when nothing is."""
    if account.has_totp and not is_code_given:
        return "code"
    if account.must_change_password:
        return "new-password"
    return "enrol" if needs_factor and not account.has_totp else None


def seal(vault: Fernet, purpose: Purpose, account: Account) -> str:
    """The step as text for a form."""
    said = [purpose, account.user_id, account.password_changed_at.isoformat()]
    return vault.encrypt(json.dumps(said).encode()).decode()


def unseal(vault: Fernet, text: str) -> Step | None:
    """The step that was sealed; None when it is forged or too old."""
    from cryptography.fernet import InvalidToken

    if len(text) > LONGEST or not text.isascii():
        return None
    try:
        purpose, user_id, stamp = json.loads(vault.decrypt(text, ttl=SECONDS))
    except InvalidToken:
        return None
    return Step(purpose, user_id, stamp)
