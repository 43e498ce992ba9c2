"""Users: who there is, what they may do and where; adding them, changing them, passwords, open sessions."""

from __future__ import annotations

from typing import Any

import streamlit as st

from api.identity.policy import roles
from api.identity.principal import SignedIn
from dashboards.filters import choose_one
from dashboards.records import change, read_list, read_one

STATES = {"true": "May sign in", "false": "Shut out"}
Person = dict[str, Any]


def show_people(user: SignedIn) -> None:
    """The list, the picked user, and a form to add one."""
    left, middle, right = st.columns([2, 1, 1])
    q = left.text_input("Search", placeholder="A part of a name", key="q", max_chars=100).strip()
    role = choose_one(middle, "Role", "All roles", roles(), "role", str.capitalize)
    active = choose_one(right, "State", "All", list(STATES), "active", STATES.__getitem__)
    people = read_list("/users", sought=q, role=role, is_active=active)
    stores = read_list("/stores", fields="store_id,store_code") if people is not None else None
    if people is None or stores is None:
        return
    codes = {store["store_id"]: store["store_code"] for store in stores}
    if user.grants.allows("user:write"):
        _show_add(codes)
    if not people:
        st.markdown("Nobody of that description.")
        return
    picked = _pick(people, codes)
    if picked is not None:
        _show_person(picked, codes, user)


def _pick(people: list[Person], codes: dict[int, str]) -> Person | None:
    event = st.dataframe(
        [
            {
                "name": each["username"],
                "full": each.get("full_name") or "",
                "roles": ", ".join(each["roles"]),
                "stores": ", ".join(sorted(codes.get(key, str(key)) for key in each["store_ids"])),
                "state": "Shut out" if not each["is_active"] else "Locked" if each["is_locked"] else "Active",
                "factor": each["has_second_factor"],
            }
            for each in people
        ],
        key="people",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "name": "User",
            "full": "Name",
            "roles": "Roles",
            "stores": "Stores",
            "state": "State",
            "factor": st.column_config.CheckboxColumn("Second factor"),
        },
        alt="Users, the newest first",
    )
    rows = event["selection"]["rows"]
    st.caption("Tick a user to change what they may do.")
    return people[rows[0]] if rows and rows[0] < len(people) else None


def _show_add(codes: dict[int, str]) -> None:
    with st.expander("Add a user", icon=":material/person_add:"), st.form("add", border=False):
        left, right = st.columns(2)
        username = left.text_input("User name", key="new-name", max_chars=100)
        full_name = right.text_input("Name", key="new-full", max_chars=200)
        email = left.text_input("E-mail (gets a link to set the password)", key="new-mail", max_chars=200)
        stores = right.multiselect("Stores", list(codes), format_func=codes.__getitem__, key="new-stores")
        st.caption("Roles are given afterwards: without one nobody sees anything.")
        if st.form_submit_button("Add", type="primary"):
            body = {"username": username, "full_name": full_name or None, "email": email or None, "store_ids": stores}
            given = {name: value for name, value in body.items() if value is not None}
            change("POST", "/users", given, f"{username} is added.")


def _show_person(person: Person, codes: dict[int, str], user: SignedIn) -> None:
    path = f"/users/{person['user_id']}"
    found = read_one(path)
    if found is None:
        return
    person, name = found.body, found.body["username"]
    with st.container(border=True):
        st.subheader(name, anchor=False)
        roles_place, access_place = st.columns(2, gap="large")
        with roles_place:
            _show_roles(person, path, found.tag, may_give=user.grants.allows("role:assign"))
        with access_place:
            _show_access(person, path, found.tag, codes, may_change=user.grants.allows("user:write"))
        if user.grants.allows("user:write"):
            with st.container(horizontal=True):
                if person["is_locked"] and st.button("Unlock", key="unlock"):
                    change("POST", f"{path}/unlock", None, f"{name} may try again.")
                if person.get("email") and st.button("Mail a link to set a password", key="mail"):
                    change("POST", f"{path}/password-reset", None, f"A link is on its way to {name}.")
                if st.button("Give a new password", key="password"):
                    said = f"{name}'s password until the first sign-in. It is told this once."
                    change("POST", f"{path}/temporary-password", None, said, told="temporary_password")
        if user.grants.allows("session:revoke"):
            _show_sessions(path, name)


def _show_roles(person: Person, path: str, tag: str | None, *, may_give: bool) -> None:
    with st.form("roles", border=False):
        chosen = st.multiselect("Roles", roles(), person["roles"], disabled=not may_give, key=f"roles-{path}")
        if person["grants"]:
            st.caption(f"Beside them: {', '.join(person['grants'])}")
        if st.form_submit_button("Give these roles", disabled=not may_give):
            body = {"roles": chosen, "grants": person["grants"]}
            change("PUT", f"{path}/roles", body, f"{person['username']} has other roles now.", tag=tag)
    if not may_give:
        st.caption("A superadmin gives roles.")


def _show_access(person: Person, path: str, tag: str | None, codes: dict[int, str], *, may_change: bool) -> None:
    with st.form("access", border=False):
        known = [key for key in person["store_ids"] if key in codes]
        stores = st.multiselect(
            "Stores", list(codes), known, format_func=codes.__getitem__, disabled=not may_change, key=f"stores-{path}"
        )
        active = st.toggle("May sign in", person["is_active"], disabled=not may_change, key=f"active-{path}")
        if st.form_submit_button("Change", disabled=not may_change):
            body = {"store_ids": stores, "is_active": active}
            change("PATCH", path, body, f"{person['username']} is changed.", tag=tag)


def _show_sessions(path: str, name: str) -> None:
    found = read_one(f"{path}/sessions")
    if found is None:
        return
    sessions = found.body["items"]
    st.markdown(f"**Open sessions: {len(sessions)}**")
    if not sessions:
        return
    st.dataframe(
        [
            {
                "kind": "Browser" if each["kind"] == "browser" else "Program",
                "since": each["created_at"][:16].replace("T", " "),
                "seen": (each.get("last_seen_at") or "")[:16].replace("T", " "),
                "address": each.get("address") or "",
                "agent": each.get("user_agent") or "",
            }
            for each in sessions
        ],
        hide_index=True,
        column_config={
            "kind": "Kind",
            "since": "Since (UTC)",
            "seen": "Last seen (UTC)",
            "address": "Address",
            "agent": st.column_config.TextColumn("With", width="large"),
        },
        alt=f"Open sessions of {name}",
    )
    if st.button("End all of them", key="end-sessions", icon=":material/logout:"):
        change("DELETE", f"{path}/sessions", None, f"Every session of {name} is ended.")
