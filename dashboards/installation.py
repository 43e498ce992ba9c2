"""What a view runs on: the databases it was given, an engine that survives a restart of PostgreSQL, who is signed in.

The databases come from `ims.web` as Streamlit secrets: a page never starts, creates or migrates anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import psycopg
import streamlit as st

from api.database import create_engine
from api.identity.principal import SignedIn
from api.identity.sessions import COOKIE, SECURE_COOKIE, read_session
from ims.postgres import Databases

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

FIELDS = ("operational", "lake", "dagster")


def given_databases() -> Databases:
    """The databases this process serves."""
    return Databases(*(st.secrets["databases"][field] for field in FIELDS))


def operational() -> Engine:
    """The engine on the operational database, one per process."""
    return _engine(given_databases().operational)


def pipeline_storage() -> Engine:
    """The engine on Dagster's storage, where every run leaves what its steps did."""
    return _engine(given_databases().dagster)


def signed_in() -> SignedIn | None:
    """Who is looking, asked anew on every rerun: a session may end while its page is open."""
    token = session_token()
    if token is None:
        return None
    with operational().connect() as connection:
        return read_session(driver(connection), token)


def session_token() -> str | None:
    """The token of the browser that looks at the page which is drawn."""
    cookies = st.context.cookies
    return cookies.get(SECURE_COOKIE) or cookies.get(COOKIE)  # the gate let in by the first where both are there


def driver(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, in the same transaction."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@st.cache_resource(show_spinner=False)
def _engine(url: str) -> Engine:
    return create_engine(url, pool_pre_ping=True, pool_size=5, connect_args={"connect_timeout": 3})
