"""The end of a web process, told to whoever asks while the last requests are answered."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from types import FrameType
from typing import Any

logger = logging.getLogger("ims.web")


class Stopping:
    """False until SIGTERM or SIGINT. With `drain_seconds` the process serves that long after the signal, unready, so
    that a load balancer turns away before the port closes; then the server's own handler does the rest."""

    def __init__(self, drain_seconds: float = 0) -> None:
        self.drain_seconds = drain_seconds
        self._has_begun = False

    def __bool__(self) -> bool:
        return self._has_begun

    def listen(self) -> None:
        """Hear the signals before the server does. In a thread there are none to hear."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._precede(number, asyncio.get_running_loop())

    def _precede(self, number: signal.Signals, loop: asyncio.AbstractEventLoop) -> None:
        server: Any = signal.getsignal(number)
        if not callable(server):
            return

        def begin(received: int, frame: FrameType | None) -> None:
            if self._has_begun or self.drain_seconds <= 0:
                self._has_begun = True
                server(received, frame)  # a second signal is not made to wait
            else:
                self._has_begun = True
                loop.call_soon_threadsafe(loop.call_later, self.drain_seconds, server, received, None)

        signal.signal(number, begin)
