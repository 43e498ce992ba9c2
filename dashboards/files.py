"""Files to take away: who may take one, of which stores, and the record of each that was taken.

What someone may not take has no button. A click is judged anew, because a page may be older than what its reader may.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from api.identity.principal import Origin, SignedIn
from api.identity.scope import Scope, scope_of, stores_of
from api.identity.sessions import read_session
from api.services.exports import Taken, record_export
from dashboards.installation import driver, operational, session_token

TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class MayNotTake(PermissionError):
    """The session ended, or the permission was taken away, after the button was drawn."""


@dataclass(frozen=True)
class File:
    """A file of a view: `write` makes it of what a scope shows, its bytes and how many rows.

    It holds the stores that both permissions reach, the view's and the export's. `about` says in the record what was
    asked for.
    """

    kind: str
    name: str
    permission: str
    export: str
    write: Callable[[Scope], tuple[bytes, int]]
    about: Mapping[str, Any]

    @property
    def form(self) -> str:
        """csv or xlsx."""
        return self.name.rpartition(".")[2]

    def may_be_taken(self, user: SignedIn) -> bool:
        """Whether there is a button for the user."""
        return user.grants.allows(self.permission) and user.grants.allows(self.export)


def offer(label: str, file: File) -> None:
    """The button."""
    agent = st.context.headers.get("User-Agent")
    take = partial(take_file, file, session_token() or "", st.context.ip_address, agent)
    st.download_button(label, take, file.name, TYPES[file.form], icon=":material/download:", on_click="ignore")


def take_file(file: File, token: str, address: str | None, agent: str | None) -> bytes:
    """The file for whoever has the session now; no file without its record. Raises MayNotTake."""
    origin = Origin(secrets.token_hex(8), address, agent)
    with operational().begin() as connection:
        user = read_session(driver(connection), token)
        if user is None or not file.may_be_taken(user):
            raise MayNotTake(f"{file.name} is not for this session")
        scope = scope_of(user, file.permission).within(stores_of(user, file.export))
        content, row_count = file.write(scope)
        stores = None if scope.store_codes is None else sorted(scope.store_codes)
        taken = Taken(file.kind, file.form, {"stores": stores, **file.about}, row_count, content)
        record_export(driver(connection), user, origin, taken)
    return content
