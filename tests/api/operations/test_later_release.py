"""A database that a later release has migrated serves the release that is still running, and one that starts again."""

from __future__ import annotations

import psycopg
import pytest
from fastapi.testclient import TestClient

from api.database import is_of_later_release, open_databases
from ims.web import create_web


@pytest.mark.parametrize(("revision", "is_behind"), [("9999", False), ("0001", True)])
def test_a_later_schema_serves_and_an_earlier_does_not(installation, revision: str, is_behind: bool) -> None:
    url = installation.databases.operational
    app = create_web("api", installation.databases)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
    with TestClient(app) as client:
        reasons = client.get("/ready").json()["reasons"]
    assert any("stands at migration" in reason for reason in reasons) == is_behind
    assert is_of_later_release(revision) != is_behind


def test_a_release_starts_on_a_schema_that_came_after_it(installation) -> None:
    url = installation.databases.operational
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    open_databases(installation.settings)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
