"""The column lineage of every table, kept under IMS_HOME: to follow every column takes seconds."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from dagster import TableColumnLineage, deserialize_value, serialize_value

from pipelines import lineage
from warehouse.contracts import contracts
from warehouse.transformations import tables


@lru_cache(maxsize=1)
def kept_lineage(home: Path) -> dict[str, TableColumnLineage]:
    """For each SQL table what `lineage.column_lineage` says of it; read from `home`/cache where nothing it is made of
    has changed.
    """
    path = home / "cache" / f"lineage-{_made_of()}.json"
    if path.exists():
        return deserialize_value(path.read_text(encoding="utf-8"), dict)
    found = {each.full_name: lineage.column_lineage(each.full_name) for each in tables()}
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("lineage-*.json"):
        old.unlink(missing_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(serialize_value(found), encoding="utf-8")
    unfinished.replace(path)
    return found


def _made_of() -> str:
    parts = [version("sqlglot"), Path(lineage.__file__).read_text(encoding="utf-8")]
    parts += [each.sql for each in tables()]
    parts += [f"{each.name} {each.keys} {each.column_names}" for each in contracts()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
