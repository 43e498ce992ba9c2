"""How many alerts of the last four weeks were acted on, kind by kind: an alert that nobody acts on is noise."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from api.alerts import WEEKS_COUNTED, KindTotals
from dashboards.alerts.words import KINDS
from warehouse.formats import count_of


def show_measured(totals: Sequence[KindTotals]) -> None:
    """The table, where any was shown."""
    shown = [each for each in totals if each.shown_count]
    if not shown:
        return
    st.markdown(
        f"**What became of the alerts of {WEEKS_COUNTED} weeks**",
        help="Of those that people were shown. A kind that nobody acts on is noise: raise its limit, or leave it out.",
    )
    st.dataframe(
        [
            {
                "kind": KINDS[each.kind],
                "shown": each.shown_count,
                "share": 100 * each.acted_share,
                "acted": each.acted_count,
                "off": each.snoozed_count,
                "dismissed": each.dismissed_count,
                "untouched": each.untouched_count,
            }
            for each in shown
        ],
        hide_index=True,
        column_config={
            "kind": "Kind",
            "shown": st.column_config.NumberColumn("Shown"),
            "share": st.column_config.ProgressColumn("Acted on", format="%.0f %%", min_value=0, max_value=100),
            "acted": st.column_config.NumberColumn("Acted"),
            "off": st.column_config.NumberColumn("Put off"),
            "dismissed": st.column_config.NumberColumn("Dismissed"),
            "untouched": st.column_config.NumberColumn("Nobody did anything"),
        },
        alt=f"Alerts of {count_of(WEEKS_COUNTED, 'week')} by kind, and what became of them",
    )
