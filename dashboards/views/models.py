"""Models: can the forecasts and the orders be trusted, who makes them, and what would they have cost in the past."""

from __future__ import annotations

import streamlit as st

from api.identity.principal import SignedIn
from api.identity.scope import scope_of
from dashboards.header import show_header
from dashboards.passport import Passport
from dashboards.trust.accuracy import show_accuracy, show_alerts, show_card, show_champions
from dashboards.trust.replays import show_replays

PERMISSION = "forecast:run"
TITLE, LEAD = "Models and back-tests", "Can the forecasts and the orders be trusted?"


def show(passport: Passport, user: SignedIn) -> None:
    """The view: of the whole chain, so for those who run forecasts and see all of it."""
    scope = scope_of(user, PERMISSION)
    show_header(TITLE, LEAD, passport)
    show_alerts(passport.snapshot_id)
    accuracy, replays, champions, card = st.tabs(["Forecasts by week", "Back-tests", "Champions", "Model card"])
    with accuracy:
        show_accuracy(passport.snapshot_id)
    with replays:
        show_replays(passport, sees_cost=scope.sees_cost)
    with champions:
        show_champions(passport.snapshot_id)
    with card:
        show_card(passport.snapshot_id)
