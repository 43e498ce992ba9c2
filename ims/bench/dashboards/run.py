"""Serves what is published here from a process of its own, and sends people to it.

Writes nothing but sessions, and the guests that were asked for; both end with the benchmark.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice, zip_longest
from pathlib import Path
from typing import Any

import psutil
import psycopg

from api.identity.policy import grants_of
from api.identity.sessions import hash_token
from ims.bench.dashboards.guests import guests
from ims.bench.dashboards.looks import Visitor
from ims.bench.world import Progress
from ims.failure import Failure, WrongInput
from ims.machine import circumstances
from ims.postgres import connect_databases
from ims.settings import get_settings

START_SECONDS = 90
PEOPLE = """SELECT u.user_id, array_agg(r.role ORDER BY r.role) FROM users u JOIN user_roles r USING (user_id)
    WHERE u.is_active GROUP BY u.user_id ORDER BY min(r.role), u.user_id"""
PUBLISHED = "SELECT snapshot_id FROM publications ORDER BY publication_id DESC"
SESSION = "INSERT INTO user_sessions (token_hash, user_id, expires_at) VALUES (%s, %s, now() + interval '6 hours')"
END = "UPDATE user_sessions SET revoked_at = now() WHERE token_hash = ANY(%s)"


@dataclass(frozen=True)
class Wanted:
    """How many people at once, the mean of seconds between two clicks of one, and the seconds that all may take.

    `guests`: make that many people first, of every role.
    """

    users: int = 20
    think: float = 10.0
    limit: float = 240.0
    guests: bool = False


def bench_dashboards(wanted: Wanted, progress: Progress) -> dict[str, Any]:
    """First looks, then one person with a browser, then many people at once with that browser among them.

    Raises Failure where nothing is published or nobody may look, WrongInput without playwright and Chromium.
    """
    from ims.bench.dashboards.course import Course

    chromium = find_chromium()
    with gathered(wanted) as gathering:
        browsing = Visitor(len(gathering.crowd), gathering.token, views_of(gathering.watches))
        course = Course(
            gathering.address, chromium, gathering.process, browsing, gathering.crowd, wanted.limit, progress
        )
        measured = asyncio.run(course.run())
    return (
        gathering.circumstances
        | {"views": len(browsing.views), "names": list(browsing.views)}
        | {"think_seconds": wanted.think, "limit_seconds": wanted.limit}
        | measured
    )


@dataclass(frozen=True)
class Gathering:
    """People with sessions at a served installation; `token` is one more, of who sees most, with these roles."""

    address: str
    process: psutil.Process
    crowd: list[Visitor]
    roles: list[list[str]]
    token: str
    watches: list[str]
    circumstances: dict[str, Any]


@contextmanager
def gathered(wanted: Wanted) -> Iterator[Gathering]:
    """Serve what is published to so many people, of every role that there is, each with the views of theirs.

    Raises Failure where nothing is published or nobody may look.
    """
    url = connect_databases(get_settings()).operational
    found = circumstances(url)
    with psycopg.connect(url) as connection:
        people = connection.execute(PEOPLE).fetchall()
        published = connection.execute(PUBLISHED).fetchone()
    if published is None:
        raise Failure("Nothing is published here: `ims demo` or `ims import` and `ims run` come first.")
    with ExitStack() as stack:
        if wanted.guests:
            people += stack.enter_context(guests(url, wanted.users))
        chosen = _of_every_role(people, wanted.users)
        watcher = max(people, key=lambda person: len(views_of(person[1])))
        tokens = [secrets.token_urlsafe(32) for _ in range(len(chosen) + 1)]
        stack.enter_context(sessions(url, tokens, [user_id for user_id, _ in [*chosen, watcher]]))
        address, process = stack.enter_context(serving())
        crowd = [
            Visitor(number, token, views_of(roles), wanted.think)
            for number, (token, (_, roles)) in enumerate(zip(tokens, chosen, strict=False))
        ]
        found |= {
            "snapshot_id": published[0],
            "users": wanted.users,
            "roles": dict(sorted(Counter(role for _, roles in chosen for role in roles).items())),
            "scopes": len({user_id for user_id, _ in chosen}),
        }
        roles = [roles for _, roles in chosen]
        yield Gathering(address, process, crowd, roles, tokens[-1], watcher[1], found)


def _of_every_role(people: list[tuple[int, list[str]]], users: int) -> list[tuple[int, list[str]]]:
    """So many sessions: people of different roles first, then others of these roles, then all of them again."""
    kinds: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
    for person in people:
        if views_of(person[1]):
            kinds.setdefault(tuple(person[1]), []).append(person)
    if not kinds:
        raise Failure("Nobody here may see a view: roles are given in Administration.")
    mixed = [person for row in zip_longest(*kinds.values()) for person in row if person is not None]
    return list(islice(cycle(mixed), users))


def views_of(roles: list[str]) -> list[str]:
    """Addresses of the views that these roles may see."""
    from dashboards.beginning import load_views

    grants = grants_of(frozenset(roles))
    return [each.name for each in load_views() if grants.allows(each.permission)]


@contextmanager
def sessions(url: str, tokens: list[str], user_ids: list[int]) -> Iterator[None]:
    """A session for each token, as the user beside it, until the end."""
    hashes = [hash_token(token) for token in tokens]
    with psycopg.connect(url) as connection:
        for held, user_id in zip(hashes, user_ids, strict=True):
            connection.execute(SESSION, (held, user_id))
    try:
        yield
    finally:
        with psycopg.connect(url) as connection:
            connection.execute(END, (hashes,))


@contextmanager
def serving() -> Iterator[tuple[str, psutil.Process]]:
    """The web app on a port of its own: its address, its process. Raises Failure where it does not come up.

    What it logs is kept in the home until the next time: it says why a page failed.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", f"from ims.web import serve; serve('all', '127.0.0.1', {port})"]
    with log_path().open("wb") as log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(process, address)
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()


def log_path() -> Path:
    """Where the web app logs while it is measured."""
    return get_settings().home / "bench-dashboards.log"


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            raise Failure(f"The web app ended with {process.returncode}; {log_path()} says why.")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):  # nosec B310
                return
        except OSError:
            time.sleep(0.1)
    raise Failure(f"The web app did not answer within {START_SECONDS} seconds.")


def find_chromium() -> str:
    """The browser's path. Raises WrongInput without it, or without playwright."""
    path = os.environ.get("IMS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        import playwright.async_api  # noqa: F401  (looked for, not used here)
    except ImportError:
        path = None
    if path is None or not Path(path).exists():
        raise WrongInput(
            "This benchmark needs a browser: `uv sync` brings playwright, `apt-get install chromium` the browser "
            "(or name one in IMS_CHROMIUM)."
        )
    return path
