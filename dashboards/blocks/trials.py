"""In place of figures on forecasts whose weeks are not over: why there are none, and what trials on the past said."""

from __future__ import annotations

import streamlit as st

from dashboards.board import Block
from dashboards.figures import Question, ask
from dashboards.reading import Reading
from dashboards.trust.trials import NOT_YET, say_trials
from dashboards.views.models import PERMISSION
from warehouse.catalogue import Metric


def show(block: Block, metrics: list[Metric], reading: Reading, key: str) -> None:
    """Nothing once the first of the metrics has a value. Trials are of the whole chain: for those who see it."""
    name = metrics[0].name
    if ask(reading.passport.snapshot_id, reading.scope, Question((name,)))[name][0] is not None:
        return
    sees_chain = reading.scope.store_codes is None and reading.user.grants.allows(PERMISSION)
    tried = say_trials(reading.passport.snapshot_id) if sees_chain else ""
    more = f"\n\n{tried} *Models and back-tests* lists them." if tried else ""
    st.info(NOT_YET + more, icon=":material/hourglass_top:")
