"""As on a managed server: the owner of the database is no superuser, and takes on the application's role by a grant."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from alembic import command

import api.database as database
from ims.postgres import DatabaseUnavailable


@pytest.fixture
def managed(server) -> Iterator[tuple[psycopg.Connection, str, str]]:
    """An administrator's connection; the owner's name; the owner's empty database."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    parts = urlsplit(server.operational)
    place = parts.netloc.rpartition("@")[2]
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER CREATEDB")
        admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        yield admin, name, urlunsplit(parts._replace(netloc=f"{name}@{place}", path=f"/{name}"))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {name}")


def test_an_owner_without_the_role_is_told_what_an_administrator_does_once(managed):
    admin, name, url = managed
    with pytest.raises(DatabaseUnavailable, match=f'"GRANT ims_app TO {name}"'):
        database.migrate(url)
    admin.execute(f"GRANT ims_app TO {name}")
    database.migrate(url)
    assert database.current_revision(url) == database.head_revision()


def test_migrations_go_up_and_down_and_the_application_acts_by_its_role(managed):
    admin, name, url = managed
    admin.execute(f"GRANT ims_app TO {name}")
    database.migrate(url)
    command.downgrade(database._config(url), "base")
    database.migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO stores (store_code, name) VALUES ('S', 's')")
        connection.execute("INSERT INTO products (sku, name, category) VALUES ('P', 'p', 'c')")
        connection.execute("SELECT ims_make_partitions('stock_moves', '2024-05-01', '2024-05-31')")
        connection.execute("SET ROLE ims_app")
        connection.execute("SELECT set_config('ims.store_ids', '{1}', true)")
        connection.execute(
            "INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on,"
            " kind) SELECT 1, v.location_id, s.location_id, 3, '2024-05-15', 'receipt' FROM stock_locations AS v,"
            " stock_locations AS s WHERE v.kind = 'vendor' AND s.kind = 'store'"
        )
        assert connection.execute("SELECT on_hand FROM stock_balances").fetchall() == [(3,)]
        connection.rollback()
        with pytest.raises(psycopg.errors.RaiseException, match="on hand follows the moves"):
            connection.execute("UPDATE stock_balances SET on_hand = 9")
