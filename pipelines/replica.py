"""Where the extract reads: the operational database, or a replica of it that has caught up with this moment.

What a run was told to read must be in what it reads: it waits for the replica, and refuses one that stays behind.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ims.postgres import redact_url
from warehouse.lake import LakeUnavailable

if TYPE_CHECKING:
    from ims.postgres import Databases
    from ims.settings import Settings

LOOK_SECONDS = 0.2
# no `pg_last_wal_replay_lsn`: no replica, or one that has been promoted
REPLAYED = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn, extract(epoch FROM now() - pg_last_xact_replay_timestamp())"


class ReplicaBehind(LakeUnavailable):
    """The replica did not catch up in time."""


def source_address(databases: Databases, settings: Settings) -> str:
    """The address to extract from. Raises ReplicaBehind, and LakeUnavailable where the replica does not answer."""
    if settings.replica_url is None:
        return databases.operational
    replica = settings.replica_url.get_secret_value()
    _wait_for(replica, databases.operational, settings.replica_wait_seconds)
    return replica


def _wait_for(replica: str, primary: str, seconds: float) -> None:
    import psycopg

    try:
        with psycopg.connect(primary, autocommit=True) as connection:
            row = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        assert row is not None
        moment, deadline = row[0], time.monotonic() + seconds
        with psycopg.connect(replica, autocommit=True, connect_timeout=10) as connection:
            while True:
                found = connection.execute(REPLAYED, [moment]).fetchone()
                assert found is not None
                has_caught_up, behind = found
                if has_caught_up:
                    return
                if has_caught_up is None:
                    raise LakeUnavailable(
                        f"{redact_url(replica)} is no replica: it replays nothing. Give IMS_REPLICA_URL the address of "
                        "a standby of IMS_DATABASE_URL, or leave it out."
                    )
                if time.monotonic() > deadline:
                    raise ReplicaBehind(
                        f"The replica {redact_url(replica)} is {float(behind or 0):,.0f} s behind and did not catch up "
                        f"within {seconds:g} s (IMS_REPLICA_WAIT_SECONDS). See what holds it (network, disk, a long "
                        "query on it), or run without IMS_REPLICA_URL to read the primary."
                    )
                time.sleep(LOOK_SECONDS)
    except psycopg.Error as error:
        raise LakeUnavailable(
            f"The replica {redact_url(replica)} cannot be read: {' '.join(str(error).split())}. "
            "Check IMS_REPLICA_URL, or leave it out to read the primary."
        ) from None
