"""A release as it should not be: ready, well when it is looked at, and failing at every tenth thing that people do."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from ims.web import create_web

Message = MutableMapping[str, Any]
EVERY = 10


class Failing:
    """The application of role api, with a fault."""

    def __init__(self) -> None:
        self.app, self.count = create_web("api"), itertools.count(1)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """ASGI."""
        is_work = scope["type"] == "http" and any(name == b"authorization" for name, _ in scope["headers"])
        if is_work and next(self.count) % EVERY == 0:
            while (await receive()).get("more_body"):
                pass
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(Failing(), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
