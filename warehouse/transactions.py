"""One transaction on the lake, and what is said when PostgreSQL goes away in the middle of one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

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
