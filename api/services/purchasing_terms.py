"""What a vendor asks of an order: the pack and minimum of a product, its lead time and cost, most specific first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.refusals import Fault, Invalid
from api.services.action import Action, Row

# a store's own term before the one of every store; a product without one has no pack and its own cost
TERMS = """
    SELECT p.product_id, p.sku, t.lead_time_days, coalesce(t.moq, 1) AS moq, coalesce(t.pack_size, 1) AS pack_size,
        coalesce(t.unit_cost, p.unit_cost) AS unit_cost, p.is_active
    FROM products AS p
    LEFT JOIN LATERAL (
        SELECT * FROM supply_terms AS t
        WHERE t.product_id = p.product_id AND t.vendor_id = %(vendor_id)s
            AND (t.store_id IS NULL OR t.store_id = %(store_id)s)
        ORDER BY t.store_id NULLS LAST LIMIT 1) AS t ON true
    WHERE p.product_id = ANY(%(products)s)"""


async def terms_of(
    action: Action, vendor_id: int | None, store_id: int, product_ids: Sequence[int]
) -> Mapping[int, Row]:
    """The terms of these products by id; an unknown product has none."""
    rows = await action.rows(TERMS, vendor_id=vendor_id, store_id=store_id, products=list(product_ids))
    return {row["product_id"]: row for row in rows}


def fit_pack(quantity: int, term: Row) -> int:
    """The nearest quantity that the vendor takes, the larger of two as near.

    Worked: with packs of 6 and a minimum of 10, 13 becomes 12, 15 becomes 18, and 2 becomes 12.
    """
    pack = int(term["pack_size"])
    smallest = -(-int(term["moq"]) // pack) * pack
    return max((2 * quantity + pack) // (2 * pack) * pack, smallest)


def check_pack(quantity: int, term: Row, where: str) -> None:
    """Raises Invalid `not-a-pack` that names the two nearest quantities which the vendor takes.

    Worked: with packs of 6 and a minimum of 10, 15 is refused: 12 or 18.
    """
    pack = term["pack_size"]
    smallest = -(-term["moq"] // pack) * pack
    if quantity % pack == 0 and quantity >= smallest:
        return
    lower = max(quantity // pack * pack, smallest)
    nearest = [lower, lower + pack]
    rule = f"of {term['sku']} comes in packs of {pack}, {smallest} or more: {nearest[0]} or {nearest[1]}"
    raise Invalid("not-a-pack", f"The quantity {rule}.", Fault(where, rule), nearest=nearest)
