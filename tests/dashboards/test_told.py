"""What became of a change stands for a while however often the page is drawn, and ends by itself."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import told


def _page() -> None:
    import streamlit as st

    from dashboards.told import show_told, tell

    show_told("users")
    if st.button("Change"):
        tell("users", "asha is added.", to_copy="a word told once")
        st.rerun()
    st.button("Something else")


def _said(page: AppTest) -> tuple[list[str], list[str]]:
    return [each.value for each in page.success], [each.value for each in page.code]


def test_it_outlives_a_page_drawn_anew_and_ends_when_it_stood_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    page = AppTest.from_function(_page, default_timeout=60).run()
    assert _said(page) == ([], [])
    page.button[0].click().run()
    assert _said(page) == (["asha is added."], ["a word told once"])
    page.run()  # as a click, or the look at the pointer, draws it anew
    assert _said(page) == (["asha is added."], ["a word told once"])

    monkeypatch.setattr(told, "SECONDS", -1.0)
    page.button[0].click().run()
    assert _said(page) == (["asha is added."], ["a word told once"]), "shown once at least"
    page.run()
    assert _said(page) == ([], [])
