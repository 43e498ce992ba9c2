"""A DuckDB connection as Great Expectations needs it: each cursor its own, transactions left to whoever opened it.

Imported only by the runner: the import alone takes seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from duckdb_engine import ConnectionWrapper, CursorWrapper

if TYPE_CHECKING:
    import duckdb


class BorrowedConnection(ConnectionWrapper):
    """The caller's connection, read only: closing, beginning and committing do nothing."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        super().__init__(con)
        self._borrowed = con

    def cursor(self) -> CursorWrapper:
        return CursorWrapper(self._borrowed.cursor(), self)

    def begin(self) -> None:
        """Nothing: a check only reads."""

    def commit(self) -> None:
        """Nothing: a check only reads."""

    def rollback(self) -> None:
        """Nothing: a check only reads."""

    def close(self) -> None:
        """Nothing: the connection belongs to the caller."""
