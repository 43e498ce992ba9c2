"""What stays out of the figures, row by row, for people: rows set aside, store-days and pairs that are not believed.

Reads `lake.checks` and `lake.raw.import_quarantine`. Whose rows somebody may see is decided by the caller: `stores`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import duckdb
    import polars as pl

Kind = Literal["rows", "files", "store_days", "pairs"]
QUERIES: dict[Kind, str] = {
    # One row per operational row that is set aside
    "rows": "SELECT q.store_code, q.day_on, q.table_name, q.check_names, q.row FROM lake.checks.quarantine AS q "
    "WHERE {inside} ORDER BY q.day_on DESC NULLS LAST, q.table_name, q.row_id",
    # One row per row of a record file that the import set aside
    "files": "SELECT q.store_code, i.file, i.line, i.rule, i.column_name, i.value FROM lake.raw.import_quarantine AS i "
    "LEFT JOIN lake.raw.stores AS q USING (store_id) WHERE {inside} ORDER BY i.file, i.line",
    # One row per store and day whose sales are not believed
    "store_days": "SELECT q.store_code, q.day_on, q.check_names FROM lake.checks.blocked_days AS q "
    "WHERE {inside} ORDER BY q.day_on DESC, q.store_code",
    # One row per store and sku whose stock is not believed
    "pairs": "SELECT q.store_code, q.sku, p.name, q.check_names FROM lake.checks.blocked_pairs AS q "
    "LEFT JOIN lake.marts.dim_product AS p USING (sku) WHERE {inside} ORDER BY q.store_code, q.sku",
}


def read_set_aside(con: duckdb.DuckDBPyConnection, kind: Kind, stores: Collection[str] | None = None) -> pl.DataFrame:
    """The rows of that kind, in these stores (None: all, and those that are no store's).

    Columns: store_code first, then day_on, table_name, check_names and row (JSON) of rows; file, line, rule,
    column_name and value of files; day_on and check_names of store-days; sku, name and check_names of pairs.
    """
    inside, given = ("true", []) if stores is None else ("list_contains(?, q.store_code)", [sorted(stores)])
    return con.execute(QUERIES[kind].format(inside=inside), given).pl()
