"""A suggestion explained: its row is read here, the words and the replay come from whoever runs the web app.

The API knows no model: `ims.web` gives it the function that does (models/explanation).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from api.refusals import NotFound
from api.services.action import Action, Row
from api.services.suggestion_pages import show_suggestion

# (suggestion with its receipt, currency, whether costs may be told) → a dataclass of what ExplanationOut shows
Explain = Callable[[Mapping[str, Any], str, bool], Any]
CURRENCY = "SELECT currency FROM chain"


async def explain_suggestion(action: Action, suggestion_id: int, explain: Explain | None) -> Row:
    """Headline, sentences, chart, other quantities and the replay. Raises NotFound, OutOfReach."""
    if explain is None:
        raise NotFound("no-explanation", "This server has no models beside it: ask one that runs the whole of IMS.")
    found = await show_suggestion(action, suggestion_id)
    currency = await action.value(CURRENCY) or ""
    said = asdict(await asyncio.to_thread(explain, found, currency, action.can("cost:read")))
    about = ("suggestion_id", "as_of", "state", "kind", "store_code", "sku", "product_name", "suggested_qty", "reason")
    return {
        **{name: found[name] for name in about},
        "currency": currency,
        **said,
        "chart": "\n".join(said["chart"]),
    }
