"""Keeping the lake small: old snapshots expire, small files are merged, files that nothing reads any more go.

What is to be kept beyond the last days is said by the caller. Nobody may write meanwhile; readers may read.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.changes import CATALOG
from warehouse.stamps import forget_old_stamps
from warehouse.transactions import plain_errors

if TYPE_CHECKING:
    import duckdb

# a file with more of its rows deleted than this is written anew without them
DELETED_SHARE = 0.3


@dataclass(frozen=True)
class Maintained:
    """What one maintenance did; `files` is how many data files the lake has after it."""

    expired_snapshots: int
    kept_snapshots: int
    removed_files: int
    files: int


def maintain(con: duckdb.DuckDBPyConnection, kept: Collection[int], days: int = 30, grace_days: int = 2) -> Maintained:
    """Expire snapshots older than `days` but `kept` and the newest; compact; remove files unused for `grace_days`.

    The grace is for queries that still read them, and for files of a write that has not been committed.
    """
    with plain_errors():
        old = con.execute(
            "SELECT snapshot_id FROM ducklake_snapshots('lake') WHERE snapshot_time <= now() - to_days(?)"
            " AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots('lake'))",
            [days],
        ).fetchall()
        gone = sorted({snapshot for (snapshot,) in old} - set(kept))
        if gone:
            con.execute(f"CALL ducklake_expire_snapshots('lake', versions => {gone})")
        forget_old_stamps(con)
        con.execute("CALL ducklake_merge_adjacent_files('lake')")
        con.execute(f"CALL ducklake_rewrite_data_files('lake', delete_threshold => {DELETED_SHARE})")
        unused = f"older_than => now() - to_days({int(grace_days)})"
        removed = con.execute(f"CALL ducklake_cleanup_old_files('lake', {unused})").fetchall()
        removed += con.execute(f"CALL ducklake_delete_orphaned_files('lake', {unused})").fetchall()
        counts = con.execute(
            f"SELECT count(*), (SELECT count(*) FROM {CATALOG}.ducklake_data_file) FROM {CATALOG}.ducklake_snapshot"
        ).fetchone()
    kept_snapshots, files = counts or (0, 0)
    return Maintained(len(gone), kept_snapshots, len(removed), files)
