"""Serves what is published here from a process of its own, sends people to it, measures what they got and what it cost.

Writes nothing but sessions, which end with the benchmark.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg

from api.identity.policy import grants_of
from api.identity.sessions import hash_token
from ims.bench.dashboards.visiting import FLAGS, Look, Visitor, visit
from ims.bench.world import Progress
from ims.failure import Failure, WrongInput
from ims.machine import circumstances
from ims.postgres import connect_databases
from ims.settings import get_settings

START_SECONDS = 90
PEOPLE = """SELECT u.user_id, array_agg(r.role ORDER BY r.role) FROM users u JOIN user_roles r USING (user_id)
    WHERE u.is_active GROUP BY u.user_id ORDER BY min(r.role), u.user_id"""
SESSION = "INSERT INTO user_sessions (token_hash, user_id, expires_at) VALUES (%s, %s, now() + interval '6 hours')"
END = "UPDATE user_sessions SET revoked_at = now() WHERE token_hash = ANY(%s)"
ASKED = "ims_dashboard_questions_total"


def bench_dashboards(users: int, think: float, progress: Progress) -> dict[str, Any]:
    """One person first, then so many at once; `think` is the mean of seconds between two views.

    Raises Failure where nothing is published or nobody may look, WrongInput without playwright and Chromium.
    """
    chromium = find_chromium()
    url = connect_databases(get_settings()).operational
    found = circumstances(url)
    with psycopg.connect(url) as connection:
        people = connection.execute(PEOPLE).fetchall()
        published = connection.execute("SELECT snapshot_id FROM publications ORDER BY publication_id DESC").fetchone()
    if not people or published is None:
        raise Failure("Nobody can look at anything here: `ims demo` or `ims import` and `ims run` come first.")
    chosen = _of_every_role(people, users)
    tokens = [secrets.token_urlsafe(32) for _ in chosen]
    with sessions(url, tokens, [user_id for user_id, _ in chosen]), serving() as (address, process):
        visitors = [
            Visitor(number, token, views_of(roles), think)
            for number, (token, (_, roles)) in enumerate(zip(tokens, chosen, strict=True))
        ]
        first = max(visitors, key=lambda each: len(each.views))
        at_start, by_one = _megabytes(process), [Visitor(first.number, first.token, first.views, 0.0)]
        alone, warm = asyncio.run(_send(chromium, address, by_one, process, partial(progress, "one person")))
        asked_before = _asked(address)
        together, full = asyncio.run(_send(chromium, address, visitors, process, partial(progress, "together")))
        asked = {source: count - asked_before.get(source, 0.0) for source, count in _asked(address).items()}
    return found | {
        "snapshot_id": published[0],
        "users": users,
        "roles": sorted({role for _, roles in chosen for role in roles}),
        "views": len(first.views),
        "think_seconds": think,
        "memory": {
            "at_start_mb": at_start,
            "after_one_mb": warm,
            "with_all_mb": full,
            "session_mb": round((full - warm) / users, 1),
        },
        "asked": asked,
        "alone": [look.to_data() for look in alone],
        "together": [look.to_data() for look in together],
    }


def _of_every_role(people: list[tuple[int, list[str]]], users: int) -> list[tuple[int, list[str]]]:
    """So many sessions: one of each kind of person first, then those again."""
    kinds = {tuple(roles): (user_id, roles) for user_id, roles in people if views_of(roles)}
    if not kinds:
        raise Failure("Nobody here may see a view: roles are given in Administration.")
    each = list(kinds.values())
    return [each[number % len(each)] for number in range(users)]


def views_of(roles: list[str]) -> list[str]:
    """Addresses of the views that these roles may see."""
    logging.disable(logging.WARNING)  # Streamlit tells whoever imports a page that no page is being served
    from dashboards.shell import offered

    logging.disable(logging.NOTSET)
    grants = grants_of(frozenset(roles))
    return [each.name for each in offered() if grants.allows(each.permission)]


async def _send(
    chromium: str, address: str, visitors: list[Visitor], process: psutil.Process, told: Callable[[int, int], None]
) -> tuple[list[Look], float]:
    """What all of them saw, and the server's memory while the last pages of all were open."""
    from playwright.async_api import async_playwright

    whole = sum(len(visitor.views) for visitor in visitors)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        seen, leave = list[Look](), asyncio.Event()
        visits = [asyncio.create_task(visit(browser, address, visitor, seen, leave)) for visitor in visitors]
        while len(seen) < whole and not any(each.done() for each in visits):
            told(len(seen), whole)
            await asyncio.sleep(0.5)
        memory = _megabytes(process)
        leave.set()
        await asyncio.gather(*visits)
        await browser.close()
        return seen, memory


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
    """The web app on a port of its own: its address, its process. Raises Failure where it does not come up."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", f"from ims.web import serve; serve('all', '127.0.0.1', {port})"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(process, address)
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            raise Failure(f"The web app ended with {process.returncode}; `ims serve` says why.")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):  # nosec B310
                return
        except OSError:
            time.sleep(0.1)
    raise Failure(f"The web app did not answer within {START_SECONDS} seconds.")


def _asked(address: str) -> dict[str, float]:
    """Questions of the dashboards so far, by where the answer came from; empty where that is not counted."""
    request = urllib.request.Request(f"{address}/metrics")
    token = get_settings().metrics_token
    if token is not None:
        request.add_header("Authorization", f"Bearer {token.get_secret_value()}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # nosec B310
        lines = answer.read().decode().splitlines()
    found = [line.removeprefix(ASKED).partition("} ") for line in lines if line.startswith(f"{ASKED}{{")]
    return {labels.partition('"')[2].rstrip('"'): float(value) for labels, _, value in found}


def _megabytes(process: psutil.Process) -> float:
    return round(float(process.memory_info().rss) / 1e6, 1)


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
