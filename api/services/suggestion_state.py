"""The states of a suggestion and the ways between them: the one table; the lock a decision begins with.

    proposed ──edit──► proposed (another quantity wanted)
    proposed ──approve──► approved, or edited where the quantity is not the suggested one; its draft is made with it
    proposed ──refuse──► refused            proposed ──next run──► expired
    approved, edited ──the order is sent, the transfer shipped──► ordered ──all has come──► received
    approved, edited, ordered ──the order or transfer is cancelled, or its line taken out──► refused

What is approved, edited or ordered counts as on order until a line of an order that is no draft names it; the line
counts then. So a suggestion whose draft is given up must be refused with it, or it would count for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.refusals import Conflict
from api.services.action import Action, Row

AGREED = ("approved", "edited")
STEPS = {
    "edit": ("proposed",),
    "approve": ("proposed",),
    "refuse": ("proposed",),
    "order": AGREED,
    "receive": (*AGREED, "ordered"),
    "give up": (*AGREED, "ordered"),
}
TARGET = {"order": "ordered", "receive": "received", "give up": "refused"}
LOCK = "SELECT 1 FROM suggestions WHERE suggestion_id = %(key)s FOR UPDATE"
# the days to decide run from when it was proposed: a run for a past day proposes today, too
READ = """
    SELECT g.suggestion_id, g.state, g.kind, g.store_id, g.source_store_id, g.product_id, g.vendor_id,
        g.suggested_qty, g.approved_qty, g.arrives_on, g.expires_on, p.sku, s.store_code, g.decided_by,
        now() AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC') AS local_now,
        (g.created_at AT TIME ZONE coalesce((SELECT timezone FROM chain), 'UTC'))::date
            + (g.expires_on - g.as_of) AS open_until
    FROM suggestions AS g JOIN products AS p USING (product_id) JOIN stores AS s ON s.store_id = g.store_id
    WHERE g.suggestion_id = ANY(%(ids)s) ORDER BY g.suggestion_id FOR UPDATE OF g"""


async def lock_suggestions(action: Action, ids: Sequence[int]) -> list[Row]:
    """These suggestions by id, nobody else's until the transaction ends. Raises NotFound, OutOfReach.

    Deciding is for who reaches the store that receives; the source of a transfer has its own word on the transfer.
    """
    wanted = sorted(set(ids))
    rows = await action.rows(READ, ids=wanted)
    found = {row["suggestion_id"] for row in rows}
    for suggestion_id in wanted:
        if suggestion_id not in found:
            raise await action.missing("suggestions", suggestion_id, "suggestion")
    for row in rows:
        action.check_store(row["store_id"])
    return rows


def check_step(suggestion: Row, step: str) -> None:
    """Raises Conflict `suggestion-expired` or `decided-already`."""
    state, today = suggestion["state"], suggestion["local_now"].date()
    number = suggestion["suggestion_id"]
    if state == "expired" or (state == "proposed" and suggestion["open_until"] < today):
        raise Conflict(
            "suggestion-expired",
            f"Suggestion {number} has expired: another run has replaced it, or its days to decide are over.",
            suggestion_id=number,
        )
    if state not in STEPS[step]:
        by = f" by {suggestion['decided_by']}" if suggestion["decided_by"] else ""
        raise Conflict(
            "decided-already", f"Suggestion {number} is {state} already{by}.", suggestion_id=number, state_now=state
        )


async def settle(action: Action, suggestion_ids: Sequence[int], step: str, note: str | None = None) -> None:
    """Move suggestions on with what became of their order or transfer; those that are past it already stay."""
    ids = sorted(set(suggestion_ids))
    if not ids:
        return
    rows = await action.rows(
        "UPDATE suggestions AS g SET state = %(target)s, decision_note = coalesce(%(note)s, decision_note)"
        " WHERE suggestion_id = ANY(%(ids)s) AND state = ANY(%(sources)s) RETURNING suggestion_id, store_id, state",
        ids=ids,
        target=TARGET[step],
        sources=list(STEPS[step]),
        note=note,
    )
    kind = "suggestion.refused" if step == "give up" else "suggestion.ordered"
    for row in rows if step != "receive" else ():
        action.note(kind, "suggestion", row["suggestion_id"], store_id=row["store_id"], after={**row, "note": note})
