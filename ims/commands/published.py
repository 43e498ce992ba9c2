"""What is published, opened to read: for the commands that ask the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ims.failure import Failure

if TYPE_CHECKING:
    import duckdb

    from api.publications import Published


def open_published() -> tuple[duckdb.DuckDBPyConnection, Published]:
    """A read-only connection to the snapshot that is served, and its passport. Raises Failure before the first one."""
    from api.database import open_databases
    from api.publications import current_publication
    from ims.settings import get_settings
    from warehouse.lake import connect

    settings = get_settings()
    databases = open_databases(settings)
    current = current_publication(databases.operational)
    if current is None:
        raise Failure("Nothing is published yet. `ims run` publishes once its blocking checks pass.")
    return connect(databases, settings, snapshot=current.snapshot_id, read_only=True), current
