"""How often an account may be tried from one address: 5 times a minute. Kept in this process, lost with it."""

from __future__ import annotations

import time
from collections import deque

ATTEMPTS = 5
WINDOW_SECONDS = 60.0
MOST_KEYS = 10_000


class SignInLimit:
    """A sliding window per (account, address). Each web process counts for itself."""

    def __init__(self) -> None:
        self._attempts: dict[tuple[str, str], deque[float]] = {}

    def wait_seconds(self, account: str, address: str, now: float | None = None) -> int:
        """0 and one attempt counted when it is allowed; else the seconds until the next one is."""
        now = time.monotonic() if now is None else now
        attempts = self._attempts.setdefault((account, address), deque())
        while attempts and attempts[0] <= now - WINDOW_SECONDS:
            attempts.popleft()
        if len(attempts) >= ATTEMPTS:
            return int(attempts[0] + WINDOW_SECONDS - now) + 1
        attempts.append(now)
        if len(self._attempts) > MOST_KEYS:
            self._forget(now)
        return 0

    def forgive(self, account: str, address: str) -> None:
        """Forget the attempts of someone who got in."""
        self._attempts.pop((account, address), None)

    def _forget(self, now: float) -> None:
        self._attempts = {
            key: attempts
            for key, attempts in self._attempts.items()
            if attempts and attempts[-1] > now - WINDOW_SECONDS
        }
