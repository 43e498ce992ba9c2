"""The whole of IMS behind its proxy, with somebody who starts again what has ended, and what each kill did."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from door import open_door, write_door
from scene import free_ports, say, wait_until
from world import Chain
from writing import Till

RESTART_SECONDS = 1.0


@dataclass(frozen=True)
class Row:
    """What one kill did."""

    part: str
    seen: str
    stood_seconds: float  # the longest time in which nothing was acknowledged
    well_seconds: float
    lost: int
    note: str = ""


class Shop:
    """The whole of IMS behind its proxy, each part a process that is started again when it has ended."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.scene = chain, chain.scene
        self.secure, self.api, self.dashboards, self.dagster, self.hooks = free_ports(5)
        self.rows: list[Row] = []
        self.parts: dict[str, psutil.Popen] = {}
        self.received: list[str] = []

    @property
    def address(self) -> str:
        """Where people reach it."""
        return f"https://127.0.0.1:{self.secure}"

    def open(self) -> None:
        """Every part."""
        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", self.hooks), self._receiver())
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        write_door(self.scene, self.secure, self.api, self.dashboards)
        for part in ("api", "dashboards", "dagster"):
            self.start(part)
        self.start("proxy")

    def start(self, part: str) -> None:
        """One part, until it answers."""
        if part == "proxy":
            self.parts[part] = open_door(self.scene, self.secure)
        elif part == "api":
            self.parts[part] = self.chain.serve(
                "api",
                *("--role", "api", "--workers", "2"),
                port=self.api,
                IMS_WEBHOOK_SECRET="s" * 32,
                IMS_WEBHOOK_HOSTS=f"127.0.0.1:{self.hooks}",
            )
        elif part == "dashboards":
            self.parts[part] = self.chain.serve("dashboards", "--role", "dashboards", port=self.dashboards)
        else:
            self.parts[part] = self.chain.serve("dagster", "--role", "dagster", port=self.dagster, path="/server_info")

    def kill(
        self, till: Till, part: str, do: Callable[[], float | None], well: Callable[[], bool], note: str = ""
    ) -> None:
        """Do it, restart as a platform would, wait until all is well; a row of the table.

        `do` says when it killed, where that was not at once.
        """
        time.sleep(2)
        began = time.time()
        began = do() or began
        wait_until(f"all is well after {part}", lambda: well() and self.is_working(till), 180)
        took = time.time() - began
        time.sleep(1)
        row = Row(part, till.seen(began), till.longest_wait(began), took, len(till.lost()), note)
        self.rows.append(row)
        say(f"{part}: seen {row.seen}; stood {row.stood_seconds:.1f} s; well after {took:.1f} s; lost {row.lost}")

    def is_working(self, till: Till) -> bool:
        """An order was acknowledged within the last second."""
        return bool(till.kept) and time.time() - till.kept[-1].told_at < 1

    def end(self, part: str) -> None:
        """As the kernel ends it when memory is out; then the platform's word."""
        process = self.parts[part]
        family = process.children(recursive=True)
        process.kill()
        process.wait(10)
        for each in family:  # a container's other processes end with its first
            if each.is_running():
                each.kill()
        psutil.wait_procs(family, timeout=10)
        time.sleep(RESTART_SECONDS)
        self.start(part)

    def _receiver(self) -> type[http.server.BaseHTTPRequestHandler]:
        received = self.received

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append(body.decode())
                time.sleep(0.05)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        return Receiver
