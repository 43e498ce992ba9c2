"""What to count first: items in stock on paper that are silent beyond chance, and items that never could be sold.

Reads `outputs.count_list` of the published snapshot. The printed page is blind: it does not tell what the ledger says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.identity.scope import Scope
from pipelines.frames import read_output
from pipelines.handouts.layout import Column, Listing, lay_out

if TYPE_CHECKING:
    import duckdb

COLUMNS = (
    Column("as_of", "As of", "day", 11),
    Column("rank_in_store", "Rank", "units", 7, 12),
    Column("store_code", "Store", "code", 8),
    Column("sku", "SKU", "code", 14, 26),
    Column("barcode", "Barcode", "code", 15, 28),
    Column("brand", "Brand", "text", 14),
    Column("product_name", "Product", "text", 32, 70),
    Column("colour", "Colour", "text", 10, 18),
    Column("size", "Size", "text", 8, 14),
    Column("category", "Category", "text", 16, 28),
    Column("kind", "Kind", "code", 11),
    Column("reason", "Why", "text", 52),
    Column("on_hand", "On hand", "units", 9),
    Column("last_sold_on", "Last sold", "day", 11),
    Column("silent_days", "Silent days", "units", 11),
    Column("expected_units", "Missed units", "number", 11),
    Column("money_at_stake", "At stake", "money", 13, is_cost=True),
    Column("counted_qty", "Counted", "units", 10, 24, is_filled_in=True),
    Column("note", "Note", "text", 30, 48, is_filled_in=True),
)
ABOUT = """
SELECT p.sku, p.name AS product_name, p.category, p.brand, p.colour_code AS colour, p.size_label AS size, b.barcode
FROM lake.marts.dim_product AS p LEFT JOIN lake.raw.products AS b USING (sku)
"""


class NoCountList(LookupError):
    """What is published has no count list: it was made by an earlier program."""


def list_counts(con: duckdb.DuckDBPyConnection, scope: Scope) -> Listing:
    """The count list, the most money first in each store: a sheet and a page for each store. Raises NoCountList."""
    found = read_output(con, "count_list")
    if found is None:
        raise NoCountList("The published snapshot has no count list; the next `ims run` makes one.")
    about = con.execute(ABOUT).pl()
    rows = found.join(about, on="sku", how="left").sort("store_code", "rank_in_store")
    return lay_out("counts", "Count list", COLUMNS, rows, scope, "store_code", "store_code")
