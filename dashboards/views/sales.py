"""Sales: what was sold, when, where and of what."""

from __future__ import annotations

from api.identity.scope import Scope
from dashboards.header import show_header
from dashboards.passport import Passport


def show(passport: Passport, scope: Scope) -> None:
    """The view."""
    show_header("Sales", "What was sold, when, where and of what.", passport)
