"""A lake that lies elsewhere than its catalog says, since the home it belongs to was copied or moved: named anew.

Only a folder, and only where every file that the catalog names is there. An address of an object store never moves so.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.whole import missing_files

if TYPE_CHECKING:
    from ims.settings import Settings

LOG = logging.getLogger(__name__)
KEY = "key = 'data_path' AND scope IS NULL"


class LakeElsewhere(Exception):
    """The lake is not whole where it should be named; the message is one paragraph for a person."""


def is_of_the_home(settings: Settings) -> bool:
    """Whether catalog and files both lie in the home, so that they can only have moved together."""
    return settings.database_url is None and settings.lake_database_url is None and settings.lake_path is None


def name_anew(url: str, settings: Settings) -> str | None:
    """Write into the catalog at `url` where the lake is by the settings; where it was, None if that is the same.

    Raises LakeElsewhere where a file that the catalog names is not there, or it is no folder.
    """
    import psycopg

    path = settings.lake_data_path.rstrip("/") + "/"
    with psycopg.connect(url) as catalog:
        row = catalog.execute(f"SELECT value FROM ducklake_metadata WHERE {KEY} FOR UPDATE").fetchone()
        if row is None or row[0] == path:
            return None
        before = str(row[0])
        if "://" in path or "://" in before:
            raise LakeElsewhere(
                f"The lake's catalog says {before}, the settings say {path}: what lies in an object store is not moved "
                "by naming it. Set IMS_LAKE_PATH to where it is."
            )
        faults = missing_files(url, path)
        if faults or not Path(path).is_dir():
            raise LakeElsewhere(
                f"The lake's catalog says {before}, the settings say {path}, where it is not whole "
                f"({faults[0] if faults else 'there is no such folder'}; {len(faults)} such). Copy the whole folder "
                "there, or set IMS_HOME or IMS_LAKE_PATH to where it is."
            )
        catalog.execute(f"UPDATE ducklake_metadata SET value = %s WHERE {KEY}", [path])
    LOG.warning("the lake was moved: its catalog said %s and says %s now", before, path)
    return before
