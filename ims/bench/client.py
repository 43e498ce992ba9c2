"""The load client, a process of its own: `python -m ims.bench.client FILE` reads a plan, writes an outcome to FILE.

One event loop (uvloop), a raw protocol over httptools, requests put together from prepared bytes: some twenty
microseconds each, so that the client does not eat the cores it measures. Latencies of an open loop are counted from
the moment a request was due, not from when it could be sent.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, cast

import httptools
import uvloop

from ims.bench.deck import Deck, Request
from ims.bench.histogram import Histogram
from ims.bench.plan import Outcome, Plan

clock = time.perf_counter
OPENED_AT_ONCE = 200


class Load:
    """What all connections of a run share."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.deck = Deck(plan)
        self.outcome = Outcome(latencies={kind.name: Histogram() for kind in plan.kinds})
        self.is_over = False
        self.idle: deque[Connection] = deque()
        self.due: deque[float] = deque()
        self.open = 0
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self._note_defect)

    def fail(self, word: str, example: str = "") -> None:
        """Count a failure; the first of each sort is kept in words."""
        self.outcome.failures[word] = self.outcome.failures.get(word, 0) + 1
        self.outcome.examples.setdefault(word, example[:400])

    def free(self, connection: Connection) -> None:
        """A connection has its answer: give it its next request, now or later."""
        if self.is_over:
            return
        if self.plan.rate is not None:
            if self.due:
                connection.send(self.due.popleft())
            else:
                self.idle.append(connection)
        elif self.plan.interval is not None:
            self.loop.call_later(self.plan.interval, connection.send_if_open)
        else:
            connection.send(clock())

    def _note_defect(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error of the client itself is no good result either."""
        self.fail("client defect", f"{context['message']}: {context.get('exception')!r}")

    async def run(self) -> Outcome:
        """Open all connections, load for the plan's seconds, send what is due still, wait for the last answers."""
        connections: list[Connection] = []
        await self._open(connections)
        began, cpu = clock(), time.process_time()
        if self.plan.rate is not None:
            self.idle.extend(connections)
            await self._keep_rate(self.plan.rate, began)
        else:
            for number, connection in enumerate(connections):
                pause = 0.0 if self.plan.interval is None else self.plan.interval * number / len(connections)
                self.loop.call_later(pause, connection.send_if_open)
            await asyncio.sleep(self.plan.seconds)
            self.is_over = True
            self.outcome.seconds = clock() - began
        self.outcome.client_cpu_seconds = time.process_time() - cpu
        while any(each.request for each in connections) and clock() - began < self.plan.seconds + self.plan.patience:
            await asyncio.sleep(0.02)
        if not self.is_over:  # an open loop lasts until its last answer: what was due late is part of it
            self.is_over = True
            self.outcome.seconds = clock() - began
        for moment in self.due:
            self.fail("not sent in time", f"{clock() - moment:.3f} s late at the end")
        for connection in connections:
            if connection.request is not None:
                self.fail("no answer", connection.request.kind.name)
            connection.close()
        return self.outcome

    async def _open(self, connections: list[Connection]) -> None:
        host, port = self.plan.host, self.plan.port

        async def one() -> None:
            try:
                _, connection = await self.loop.create_connection(lambda: Connection(self), host, port)
                connections.append(connection)
            except OSError as error:
                self.fail("not connected", str(error))

        for start in range(0, self.plan.connections, OPENED_AT_ONCE):
            await asyncio.gather(*(one() for _ in range(min(OPENED_AT_ONCE, self.plan.connections - start))))
        self.outcome.held = self.open

    async def _keep_rate(self, rate: float, began: float) -> None:
        asked, end = 0, began + self.plan.seconds
        while (now := clock()) < end:
            while began + asked / rate <= now:
                moment = began + asked / rate
                asked += 1
                if self.idle:
                    self.idle.popleft().send(moment)
                else:
                    self.due.append(moment)
            if self.due:
                self.outcome.late = max(self.outcome.late, now - self.due[0])
            await asyncio.sleep(0.001)


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at most."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.request: Request | None = None
        self._from = 0.0
        self._body = b""
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def send(self, moment: float) -> None:
        """Send the next request; its latency counts from `moment`."""
        if self._transport is None:
            self.load.fail("connection lost", "closed between two requests")
            return
        self.request = self.load.deck.next()
        self._from, self._body = moment, b""
        self._transport.write(self.request.content)

    def send_if_open(self) -> None:
        """`send`, from a timer that may come after the end."""
        if not self.load.is_over:
            self.send(clock())

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's word that it is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass
        self.load.open += 1

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's word that it is closed, by whichever side."""
        self._transport = None
        self.load.open -= 1
        if not self.load.is_over:
            under_way = self.request.kind.name if self.request else "between two requests"
            self.load.fail("connection lost", f"{error or 'closed by the server'}, {under_way}")
            self.request = None

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """httptools' word: a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """httptools' word: the answer is whole."""
        request, load = self.request, self.load
        assert request is not None
        self.request = None
        status, kind = self._parser.get_status_code(), request.kind
        if status in kind.status:
            if not load.is_over or load.plan.rate is not None:
                load.outcome.latencies[kind.name].add(clock() - self._from)
            for pattern, pool in request.gives:
                if found := pattern.search(self._body):
                    load.deck.give(pool, int(found[1]))
        else:
            load.fail(f"{kind.name} {status}", self._body.decode(errors="replace"))
        load.free(self)


def raise_file_limit() -> int:
    """Let this process and its children open as many files as the machine allows; how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


async def _run(plan: Plan) -> Outcome:
    return await Load(plan).run()


if __name__ == "__main__":
    raise_file_limit()
    Path(sys.argv[1]).write_text(uvloop.run(_run(Plan.from_json(sys.stdin.read()))).to_json())
