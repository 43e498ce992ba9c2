"""What pages asked lately, and at which snapshot: the least recent is forgotten, and nothing is known of who asked."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Asked = TypeVar("Asked", bound=Hashable)


class Recent(Generic[Asked]):
    """So many different questions at most. Safe for threads."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._asked = OrderedDict[Asked, int]()

    def note(self, asked: Asked, snapshot_id: int) -> None:
        """It was asked there just now."""
        with self._lock:
            self._asked[asked] = snapshot_id
            self._asked.move_to_end(asked)
            if len(self._asked) > self._most:
                self._asked.popitem(last=False)

    def listed(self) -> list[tuple[Asked, int]]:
        """Each with the snapshot where it was asked last, the most recent first."""
        with self._lock:
            return list(reversed(self._asked.items()))
