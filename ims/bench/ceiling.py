"""How fast the client itself is: it loads a server that does nothing but answer, so that no result near it is believed.

Run as a process, this is that server; it prints its port.
"""

from __future__ import annotations

import asyncio
from typing import cast

import uvloop

BODY = b'{"sales_order_id":4711,"status":"draft"' + b',"member":"of a usual length"' * 20 + b"}"
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nX-Request-Id: 0123456789\r\n\r\n"
ANSWER = HEAD.format(len(BODY)).encode() + BODY


class Answering(asyncio.Protocol):
    """Answers every packet that arrives; each holds one request, because the client waits for its answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's word that it is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        self._transport.write(ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
