"""The stores' keys in the operational database, which the API asks for where a page knows codes."""

from __future__ import annotations

from api.identity.scope import Scope
from dashboards.installation import driver, operational


def store_keys(scope: Scope) -> dict[str, int]:
    """Key by code, of the stores in reach, in order of the codes."""
    with operational().connect() as connection:
        rows = driver(connection).execute("SELECT store_code, store_id FROM stores ORDER BY store_code").fetchall()
    return {code: key for code, key in rows if scope.allows(code)}
