"""What a migration does to make a table one that the extract can read: its triggers, put on and taken off.

The functions behind the triggers are made by migration 0002.
"""

from __future__ import annotations

from alembic import op

TRIGGERS = ("touch", "leave_tombstones", "refuse_truncate")


def track(table: str, key: str) -> None:
    """Keep `updated_at` and `changed_xid` true on update, leave tombstones of deleted rows, refuse TRUNCATE."""
    op.execute(
        f"""
        CREATE TRIGGER touch BEFORE UPDATE ON {table} FOR EACH ROW
            WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION ims_touch();
        CREATE TRIGGER leave_tombstones AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone
            FOR EACH STATEMENT EXECUTE FUNCTION ims_leave_tombstones('{key}');
        CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('it would leave no tombstones; delete instead');
        """
    )


def untrack(table: str) -> None:
    """Take the triggers off again."""
    for trigger in TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
