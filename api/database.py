"""Opening the operational database: URLs that answer, migrations at head, an engine. Holds no query."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ims.postgres import Databases, DatabaseUnavailable, connect_databases
from ims.settings import Settings, get_settings

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from sqlalchemy import Engine

MIGRATIONS = Path(__file__).parent / "migrations"


def open_databases(settings: Settings | None = None) -> Databases:
    """The databases of this installation, started, created and migrated where that is still to do."""
    databases = connect_databases(settings or get_settings())
    migrate(databases.operational)
    return databases


def create_engine(url: str, **options: object) -> Engine:
    """A SQLAlchemy engine on psycopg for a libpq URL."""
    import sqlalchemy

    return sqlalchemy.create_engine(driver_url(url), **options)


def driver_url(url: str) -> str:
    """The libpq URL with SQLAlchemy's driver name: `postgresql+psycopg://…`."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def migrate(url: str) -> None:
    """Bring the operational database to the newest migration; one process at a time, the others wait.

    One of a later release stays as it is: its schema serves this release, too (docs/operations.md, "A release").
    Raises DatabaseUnavailable when the user of the URL lacks a right, with what an administrator has to grant.
    """
    import psycopg
    from alembic import command
    from sqlalchemy.exc import ProgrammingError

    current = current_revision(url)
    if current == head_revision() or is_of_later_release(current):
        return
    with psycopg.connect(url) as lock:
        lock.execute("SELECT pg_advisory_xact_lock(hashtext('ims migrate'))")
        try:
            command.upgrade(_config(url), "head")
        except ProgrammingError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise DatabaseUnavailable(
                    f"The database cannot be set up: {error.orig.diag.message_primary}."
                ) from None
            raise


def current_revision(url: str) -> str | None:
    """The migration the database stands at; None for an empty one."""
    import psycopg

    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()
        if found is None or found[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
        return None if row is None else str(row[0])


def head_revision() -> str:
    """The newest migration of this release."""
    head = _migrations().get_current_head()
    if head is None:
        raise RuntimeError(f"no migration found under {MIGRATIONS}")
    return head


def is_of_later_release(revision: str | None) -> bool:
    """Whether a database stands at a migration that this release does not know: one that came after it."""
    return revision is not None and revision not in _known_revisions()


@lru_cache(maxsize=1)
def _known_revisions() -> frozenset[str]:
    return frozenset(each.revision for each in _migrations().walk_revisions())


def _migrations() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config("postgresql://"))


def _config(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", driver_url(url).replace("%", "%%"))
    return config
