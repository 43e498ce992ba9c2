"""What some suggestions come to, for whoever is about to decide on them, and the drafts that others became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, text

# One row per vendor or giving store; the quantity wanted, at the vendor's terms as an order would have them
PARTIES = """
    SELECT g.kind, coalesce(v.vendor_code || ' · ' || v.name, f.store_code) AS name, count(*)::integer AS lines,
        sum(coalesce(g.approved_qty, g.suggested_qty))::integer AS units, sum(g.priority) AS at_stake,
        CASE WHEN :sees_cost AND g.kind = 'purchase' AND bool_and(t.unit_cost IS NOT NULL)
            THEN round(sum(coalesce(g.approved_qty, g.suggested_qty) * t.unit_cost), 2) END AS cost_amount
    FROM suggestions AS g JOIN products AS p USING (product_id)
    LEFT JOIN vendors AS v ON v.vendor_id = g.vendor_id LEFT JOIN stores AS f ON f.store_id = g.source_store_id
    CROSS JOIN LATERAL (
        SELECT coalesce((
            SELECT s.unit_cost FROM supply_terms AS s
            WHERE s.product_id = g.product_id AND s.vendor_id = g.vendor_id
                AND (s.store_id IS NULL OR s.store_id = g.store_id)
            ORDER BY s.store_id NULLS LAST LIMIT 1), p.unit_cost) AS unit_cost) AS t
    WHERE g.suggestion_id = ANY(:ids)
    GROUP BY g.kind, coalesce(v.vendor_code || ' · ' || v.name, f.store_code)
    ORDER BY g.kind DESC, at_stake DESC, name"""
DRAFTS = """
    SELECT l.suggestion_id, o.order_ref AS name FROM purchase_order_lines AS l JOIN purchase_orders AS o
        USING (purchase_order_id) WHERE l.suggestion_id = ANY(:ids)
    UNION ALL
    SELECT suggestion_id, 'Transfer ' || stock_transfer_id FROM stock_transfer_lines WHERE suggestion_id = ANY(:ids)"""


@dataclass(frozen=True)
class Party:
    """What is bought from a vendor, or moved from a store; `cost_amount` of purchases only, where it is known."""

    kind: str
    name: str | None
    lines: int
    units: int
    at_stake: Decimal
    cost_amount: Decimal | None


@dataclass(frozen=True)
class Worth:
    """What some suggestions come to, by vendor and giving store, transfers first."""

    parties: tuple[Party, ...]

    @property
    def units(self) -> int:
        """Bought and moved."""
        return sum(party.units for party in self.parties)

    @property
    def at_stake(self) -> Decimal:
        """Expected cost saved."""
        return sum((party.at_stake for party in self.parties), Decimal(0))

    @property
    def cost_amount(self) -> Decimal | None:
        """What the purchases cost; None unless the cost of every one of them may be seen and is known."""
        costs = [party.cost_amount for party in self.parties if party.kind == "purchase"]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if known and len(known) == len(costs) else None


def worth_of(connection: Connection, ids: Sequence[int], *, sees_cost: bool) -> Worth:
    """What these suggestions come to. Without `sees_cost` no cost is read.

    The caller has seen to it that whoever asks may see these suggestions.
    """
    rows = connection.execute(text(PARTIES), {"ids": list(ids), "sees_cost": sees_cost}).mappings()
    return Worth(tuple(Party(**row) for row in rows))


def name_drafts(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """The order or transfer that each of these became: `PO-S01-…`, `Transfer 12`."""
    rows = connection.execute(text(DRAFTS), {"ids": list(ids)})
    return {row.suggestion_id: row.name for row in rows}
