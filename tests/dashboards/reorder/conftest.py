"""The API as the dashboards ask it: served beside them on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
import uvicorn
from psycopg.rows import dict_row
from streamlit.runtime.context import ContextProxy

from api.app import create_app


class Served:
    """The API on a port, until it is stopped."""

    def __init__(self, databases) -> None:
        self.url = databases.operational
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(create_app(databases), log_config=None))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """End it; nobody listens there any more."""
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()

    def rows(self, statement: str, *values: object) -> list[dict[str, object]]:
        """What the operational database holds."""
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def set(self, key: str, value: int) -> None:
        """Give a setting of the chain another value than the usual."""
        self.rows(
            "INSERT INTO chain_settings (key, value, description) VALUES (%s, to_jsonb(%s::integer), 'x')"
            " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
            key,
            value,
        )


@pytest.fixture
def served(world, site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The API of the published world, known to the site, whose viewer sits somewhere with a browser."""
    monkeypatch.setattr(ContextProxy, "headers", property(lambda _: {"User-Agent": "Firefox ü"}))
    monkeypatch.setattr(ContextProxy, "ip_address", property(lambda _: "203.0.113.7"))
    served = Served(world.installation.databases)
    site.api = served.address
    yield served
    served.stop()
