"""People become pseudonyms while they are read: HMAC-SHA256 in DuckDB, the same as `api.services.privacy_pseudonyms`.

The key is a variable of the connection for as long as one extract lasts. No statement names it, no table gets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.services.privacy_pseudonyms import LENGTH, pads

if TYPE_CHECKING:
    import duckdb

INNER, OUTER = "ims_pseudonym_inner", "ims_pseudonym_outer"


@contextmanager
def key_at_hand(con: duckdb.DuckDBPyConnection, key: bytes) -> Iterator[None]:
    """`expression` can be evaluated inside, and not after."""
    inner, outer = pads(key)
    try:
        con.execute(f"SET VARIABLE {INNER} = ?", [inner])
        con.execute(f"SET VARIABLE {OUTER} = ?", [outer])
        yield
    finally:
        for name in (INNER, OUTER):
            con.execute(f"RESET VARIABLE {name}")


def expression(column: str) -> str:
    """The SQL for the pseudonym of a text column; NULL stays NULL."""
    message = f"getvariable('{INNER}') || encode('{column}:' || CAST({column} AS VARCHAR))"
    return f"left(sha256(getvariable('{OUTER}') || unhex(sha256({message}))), {LENGTH})"
