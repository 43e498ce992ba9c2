"""The clean ci chain from its folder to its marts, once a session: what figures are recomputed from, and the figures.

`ci.file(name)` is a file of the folder as polars reads it; `ci.ask(...)` the metrics over the marts built of it.
"""

from __future__ import annotations

import datetime as dt
import tomllib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import duckdb
import polars as pl
import psycopg
import pytest

from api.imports.folder import import_folder
from ims.demo.generate import write_chain
from ims.postgres import Databases
from ims.settings import Settings
from pipelines.extract import extract
from pipelines.held_back import hold_back
from pipelines.transform import build_all
from warehouse.dimensions import Filter
from warehouse.lake import connect
from warehouse.metrics import Scope, query


@dataclass(frozen=True)
class Chain:
    """A chain folder and the warehouse built of it."""

    folder: Path
    con: duckdb.DuckDBPyConnection
    asked: set[str] = field(default_factory=set, compare=False)
    read: dict[str, pl.DataFrame] = field(default_factory=dict, compare=False)

    @cached_property
    def as_of(self) -> dt.date:
        """The opening up to which the folder is complete."""
        day = tomllib.loads((self.folder / "chain.toml").read_text())["as_of"]
        return dt.date.fromisoformat(str(day))

    def file(self, name: str) -> pl.DataFrame:
        """A file of the folder, read once; text of decimals stays exact."""
        if name not in self.read:
            parquet, text = self.folder / f"{name}.parquet", self.folder / f"{name}.csv"
            self.read[name] = (
                pl.read_parquet(parquet)
                if parquet.exists()
                else pl.read_csv(text, try_parse_dates=True, infer_schema_length=None)
            )
        return self.read[name]

    def ask(self, *names: str, by: Sequence[str] = (), where: Mapping[str, Filter] | None = None) -> pl.DataFrame:
        """The metrics, as a superadmin sees them."""
        self.asked.update(names)
        return query(self.con, names, by, where, scope=Scope(stores=None, can_see_cost=True))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "recomputes(*metrics): the test computes these figures anew from the files")


@pytest.fixture(autouse=True)
def said(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that says it recomputes a figure has asked for it; a test over parameters asks for its own."""
    marker = request.node.get_closest_marker("recomputes")
    if marker is None:
        yield
        return
    chain = request.getfixturevalue("ci")
    chain.asked.clear()
    yield
    parameters = getattr(request.node, "callspec", None)
    named = set(marker.args) & set(parameters.params.values()) if parameters else set(marker.args)
    assert named
    assert named <= chain.asked


@pytest.fixture(scope="session")
def ci(server: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The clean ci chain: written, imported, extracted, built."""
    home = tmp_path_factory.mktemp("ci")
    folder = home / "chain"
    write_chain(folder, profile="ci")
    name = f"t_{uuid.uuid4().hex[:12]}"
    databases = Databases(*(_named(server.operational, name + suffix) for suffix in ("", "_lake", "_dagster")))
    with psycopg.connect(_named(server.operational, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ims STRATEGY FILE_COPY")
        admin.execute(f"CREATE DATABASE {name}_lake")
        import_folder(folder, databases.operational, reports=home / "imports")
        con = connect(databases, Settings(home=home / "home", _env_file=None))
        extract(con, databases, key=b"0" * 32)
        hold_back(con, ())
        chain = Chain(folder, con)
        build_all(con, chain.as_of)
        yield chain
        con.close()
        for suffix in ("", "_lake"):
            admin.execute(f"DROP DATABASE {name}{suffix} WITH (FORCE)")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
