"""One transaction on the lake, and what is said when PostgreSQL goes away in the middle of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    import duckdb

# the extension passes libpq's words on without a class of their own
SIGNS = (
    "Unable to connect to Postgres",
    "server closed the connection",
    "connection to server",
    "terminating connection",
    "no connection to the server",
    "SSL connection has been closed",
)


@contextlib.contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end, or leave everything as it was. Raises LakeUnavailable when PostgreSQL is gone."""
    import duckdb

    with plain_errors():
        con.execute("BEGIN")
        try:
            yield
        except BaseException:
            # without its server the transaction is over anyway, and the first error is the one to tell
            with contextlib.suppress(duckdb.Error):
                con.execute("ROLLBACK")
            raise
        con.execute("COMMIT")


def reading(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A cursor of a pinned connection, in one transaction as long as it lives: for the questions of one page.

    Outside of one DuckLake asks its catalog anew for every question, several round trips each.
    """
    cursor = con.cursor()
    cursor.execute("BEGIN TRANSACTION READ ONLY")
    return cast("duckdb.DuckDBPyConnection", _Reading(cursor))


class _Reading:
    """The cursor, whose transaction is ended before it goes.

    Left to the engine, an open transaction whose PostgreSQL is gone ends the whole process: its destructor throws.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def close(self) -> None:
        """End the transaction and the cursor."""
        import duckdb

        with contextlib.suppress(duckdb.Error):
            self._cursor.execute("ROLLBACK")
        self._cursor.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the engine's report of a lost PostgreSQL into LakeUnavailable, one paragraph; let other errors pass."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        sign = next((sign for sign in SIGNS if sign in str(error)), None)
        if sign is None:
            raise
        raise LakeUnavailable(
            f"PostgreSQL stopped answering while the warehouse was at work ({_words(str(error), sign)}). "
            "What is published is unchanged. Start PostgreSQL again, then run again."
        ) from error


def _words(text: str, sign: str) -> str:
    """The sentence that holds the sign, without the query around it."""
    line = next(line for line in text.splitlines() if sign in line)
    return line[line.index(sign) :].strip().rstrip(":.")
