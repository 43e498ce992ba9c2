"""Settings of the chain: what each says, its value, and changing one."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from api.identity.principal import SignedIn
from dashboards.records import change, read_one


def show_settings(user: SignedIn) -> None:
    """The list, and a form for whoever may change one."""
    found = read_one("/settings")
    if found is None:
        return
    settings = {row["key"]: row for row in found.body["items"]}
    st.dataframe(
        [
            {
                "key": key,
                "value": _spell(row.get("value")),
                "bounds": _bounds(row),
                "says": row["description"],
            }
            for key, row in settings.items()
        ],
        hide_index=True,
        height="content",
        column_config={
            "key": "Setting",
            "value": "Value",
            "bounds": "May be",
            "says": st.column_config.TextColumn("What it does", width="large"),
        },
        alt="Settings of the chain",
    )
    if not user.grants.allows("settings:write"):
        st.caption("A superadmin changes settings.")
        return
    key = st.selectbox("Change", list(settings), index=None, placeholder="Choose a setting", key="setting")
    if key is not None:
        _show_form(settings[key])


def _show_form(row: dict[str, Any]) -> None:
    path = f"/settings/{row['key']}"
    with st.form(f"setting-{row['key']}", border=False):
        st.caption(f"{row['description']}. It may be: {_bounds(row)}. `null` takes the usual.")
        text = st.text_input("Value", _spell(row.get("value")), key=f"value-{row['key']}", max_chars=4000)
        if st.form_submit_button("Change", type="primary"):
            try:
                value = json.loads(text)
            except ValueError:
                st.error("A value is a number, `true`, `false`, `null` or a list, as shown. Nothing was changed.")
                return
            found = read_one(path)
            if found is not None:
                change("PATCH", path, {"value": value}, f"{row['key']} is {text} now.", tag=found.tag)


def _spell(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _bounds(row: dict[str, Any]) -> str:
    low, high = row.get("lowest"), row.get("highest")
    if low is None and high is None:
        return str(row["kind"])
    return f"{row['kind']}, {'any' if low is None else low} to {'any' if high is None else high}"
