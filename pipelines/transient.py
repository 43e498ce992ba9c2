"""Which failures of a step pass by themselves, and how Dagster is asked to try again.

A lost connection or a write that another one crossed; never a failed check, a defect or a full disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    from dagster import RetryRequested

PAUSE_SECONDS = 2.0


def is_transient(error: Exception) -> bool:
    """Whether the same work may well succeed in a moment."""
    import duckdb
    import psycopg
    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DBAPIError):
        return bool(error.connection_invalidated)
    return isinstance(error, LakeUnavailable | psycopg.OperationalError | duckdb.TransactionException)


def again(most: int) -> RetryRequested:
    """What a step raises to be run again, `most` times at most."""
    from dagster import RetryRequested

    return RetryRequested(max_retries=most, seconds_to_wait=PAUSE_SECONDS)
