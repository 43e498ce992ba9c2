"""What a run's result depends on, as one name: the day, the operational rows, the code, the settings that matter.

Reads PostgreSQL only, before any work: two equal names mean that a second run would publish the same again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from api.identity.keys import load_pseudonym_key
from api.services.privacy_pseudonyms import name_key
from warehouse.contracts import contracts

if TYPE_CHECKING:
    import psycopg

    from expectations.check import Waiver
    from ims.settings import Settings

ROOT = Path(__file__).parents[1]
DECISIVE = (
    "models", "warehouse", "expectations", "pipelines/assets", "pipelines/extract.py", "pipelines/held_back.py",
    "pipelines/incremental.py", "pipelines/pseudonyms.py",
    "pipelines/transform.py",
)  # fmt: skip


def fingerprint(
    connection: psycopg.Connection[tuple[object, ...]],
    as_of: dt.date,
    settings: Settings,
    waivers: Sequence[Waiver] = (),
) -> str:
    """The name, 32 hex digits."""
    parts = {
        "as_of": as_of.isoformat(),
        "rows": _rows(connection),
        "code": code_version(),
        "holding_rate_per_year": settings.holding_rate_per_year,
        "waivers": sorted(str(each) for each in waivers),
        "pseudonyms": name_key(load_pseudonym_key(settings)),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def code_version() -> str:
    """A name for every source file that decides a figure."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> set[Path]:
    found = set()
    for name in DECISIVE:
        top = ROOT / name
        found |= {top} if top.is_file() else {p for p in top.rglob("*") if p.suffix in (".py", ".sql", ".toml")}
    return found


def _rows(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    """Per extracted table, count and sum of the transaction ids of what the extract would read.

    The sum, not the maximum: a transaction that began early may commit late. A row that left changes the count.
    """
    found = {}
    for table in contracts("raw"):
        if table.table == "extract_state" or table.query:
            continue
        where = f"WHERE {table.where}" if table.where else ""
        if table.is_tracked:
            query = f"SELECT count(*), sum(changed_xid) FROM {table.table} {where}"
        else:
            query = f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table.table} AS t {where}"
        row = connection.execute(query).fetchone()
        found[table.table] = str(row)
    return found
