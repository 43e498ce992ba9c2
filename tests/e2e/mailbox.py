"""A mail server for the journeys."""

from __future__ import annotations

import time
from email.message import Message

from aiosmtpd.handlers import Message as Letters


class Mailbox(Letters):
    """A mail server that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.letters.append(message)

    def wait(self, count: int) -> Message:
        """The last letter, once so many have come."""
        for _ in range(600):
            if len(self.letters) >= count:
                return self.letters[-1]
            time.sleep(0.1)
        raise AssertionError(f"{len(self.letters)} letters came, not {count}")
