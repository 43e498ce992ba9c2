"""Schemathesis against the served API, as each role: every phase, every check, on a database with a small world.

`make fuzz MINUTES=15` gives it longer; a seed that it prints is tried again with IMS_FUZZ_SEED.
"""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from typing import Any

import psycopg
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from api.identity.policy import roles
from api.identity.sessions import hash_token

SECONDS = float(os.environ.get("IMS_FUZZ_MINUTES", "0.7")) * 60 / len(roles())
pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) * 2 + 300)]
# what may end the very session that is used
ENDS_A_SESSION = re.compile(r"/tokens/current$|/sessions(/|$)|/account/|/users/")
TRIES_TO_SIGN_IN = re.compile(r"/tokens(/refresh)?$|/password-resets|/account/")
# what no JSON schema can say, or OpenAPI does not: rules between members, days of the calendar we keep
UNSAYABLE = re.compile(
    r"^Value error|must lie between 1900 and 2200"
    # of a number that is sent as text, or as a fraction of two
    r"|^Input should be (less|greater) than|^Decimal input should have|multiple of"
)
CHECKS = {
    # a well-formed request may name what does not exist (404), what is not to be now (409, 412), break a rule of the
    # chain (422), or be longer than an address may be (414). `the_description_says_what_is_taken` looks at other 422s
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "414", "422", "429"]
    },
    # too long is refused before it is read (413, 414, 431); a stale If-Match is 412
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "406", "409", "412", "413", "414", "415", "422",
                              "428", "429", "431"]
    },
    # the machine is shared with everything else that is tested; a statement ends after 15 s, a request after 30
    "max_response_time": 20.0,
}  # fmt: skip


@schemathesis.check
def the_description_says_what_is_taken(ctx: Any, response: Any, case: Any) -> None:
    """What follows the description is never refused for not following it, but for what it cannot say."""
    is_well_formed = case.meta is not None and case.meta.generation.mode.is_positive
    if is_well_formed and response.status_code == 422 and response.json()["type"].endswith(":invalid-request"):
        unsaid = [fault for fault in response.json()["faults"] if not UNSAYABLE.search(fault["rule"])]
        assert not unsaid, f"The description does not say it: {unsaid}"


@schemathesis.check
def every_answer_is_guarded(ctx: Any, response: Any, case: Any) -> None:
    """Whatever was sent: a request id, no sniffing, a problem for an error, and no word of what is inside."""
    assert response.headers.get("x-request-id"), "no request id"
    assert response.headers.get("x-content-type-options") == ["nosniff"], "may be sniffed"
    if response.status_code >= 400:
        assert response.headers["content-type"] == ["application/problem+json"], response.headers["content-type"]
        for word in ("Traceback", "psycopg", "SELECT ", "/site-packages/"):
            assert word not in response.text, f"an error shows {word!r}"


class Session:
    """The role's one token, which opens again whatever was done to the session, the user or its roles."""

    def __init__(self, world: Any, role: str) -> None:
        self.token, self.role, self.user_id = world.tokens[role], role, world.users[role]
        self.connection = psycopg.connect(world.url, autocommit=True)
        self.statuses: Counter[int] = Counter()

    def before_call(self, case: Any) -> None:
        """Whoever tries to sign in may do so as often as it takes."""
        if TRIES_TO_SIGN_IN.search(case.path):
            self.connection.execute("DELETE FROM rate_limits")

    def after_call(self, case: Any, response: Any) -> None:
        """Count, and come back in."""
        self.statuses[response.status_code] += 1
        if ENDS_A_SESSION.search(case.path) or response.status_code == 401:
            self.restore()

    def restore(self) -> None:
        """The user may sign in as before."""
        one = {"user_id": self.user_id, "role": self.role, "token": hash_token(self.token)}
        for statement in (
            "UPDATE users SET is_active = true, must_change_password = false WHERE user_id = %(user_id)s",
            "DELETE FROM user_roles WHERE user_id = %(user_id)s AND role <> %(role)s",
            "INSERT INTO user_roles (user_id, role) VALUES (%(user_id)s, %(role)s) ON CONFLICT DO NOTHING",
            "INSERT INTO user_sessions (token_hash, user_id, expires_at)"
            " VALUES (%(token)s, %(user_id)s, now() + interval '1 day')"
            " ON CONFLICT (token_hash) DO UPDATE SET revoked_at = NULL, revoked_reason = NULL,"
            " expires_at = excluded.expires_at WHERE user_sessions.revoked_at IS NOT NULL",
        ):
            self.connection.execute(statement.encode(), one)


CURRENT: list[Session] = []  # hooks on calls are of the whole process


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Every request goes out as the role that is tried."""
    CURRENT[0].before_call(case)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Every answer is counted."""
    CURRENT[0].after_call(case, response)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """PATCH /expenses/categories asks for the expense called "categories", which is no key: 422, where 405 is wanted.

    Only so where the description has a key in the place of the last word, with the method that was sent.
    """
    keyed = re.compile(re.escape(case.path.rpartition("/")[0]) + r"/\{\w+\}")
    beside = [path for path in case.operation.schema.raw_schema["paths"] if keyed.fullmatch(path)]
    methods = {method.upper() for path in beside for method in case.operation.schema.raw_schema["paths"][path]}
    is_key = type(failure).__name__ == "UnsupportedMethodResponse" and response.status_code == 422
    return not (is_key and response.request.method in methods)


def configuration(world: Any, role: str, address: str, seed: int) -> dict[str, Any]:
    """Everything on, and keys of the world among those that are tried."""
    tables = sorted({table for keys in world.keys.values() for table in keys})
    values = {table: sorted({keys[table] for keys in world.keys.values()}, key=str) for table in tables}
    values = {table: found for table, found in values.items() if isinstance(found[0], int | str)}
    known = {"probability": 0.5}
    bodies = {
        f"{place}.{name}": {"dictionary": table.replace(" ", "_"), **known}
        for name, table in world.references.items()
        for place in ("query", "body", "body.lines[*]")
        if table in values
    }
    keyed = [
        {
            "include-path": path,
            "parameters": {f"path.{name}": {"dictionary": world.tables[kind], **known} for kind, name in found},
        }
        for path in world.described["paths"]
        if (found := re.findall(r"([\w-]+)/\{(\w+)\}", path))
    ]
    return {
        "seed": seed,
        "max-time": max(int(SECONDS), 1),
        "suppress-health-check": ["all"],
        "dictionaries": {table.replace(" ", "_"): {"values": found} for table, found in values.items()},
        "base-url": address,
        "headers": {"Authorization": f"Bearer {world.tokens[role]}"},
        "continue-on-failure": True,
        "request-timeout": 30,
        "generation": {"mode": "all", "database": "none", "no-shrink": True, "max-examples": 20},
        "checks": CHECKS,
        "parameters": bodies,
        "operations": keyed,
    }


@pytest.mark.parametrize("role", roles())
def test_nothing_that_is_sent_breaks_the_api(world: Any, served: Any, role: str) -> None:
    seed = int(os.environ.get("IMS_FUZZ_SEED", secrets.randbelow(2**32)))
    print(f"\n{role}: IMS_FUZZ_SEED={seed}")
    session = Session(world, role)
    config = SchemathesisConfig.from_dict(configuration(world, role, served.address, seed))
    schema = schemathesis.openapi.from_dict(world.described, config=config)
    CURRENT[:] = [session]
    failed: dict[tuple[str, str, str], str] = {}
    phases: Counter[str] = Counter()
    tried: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            failed[event.label, "error", type(event.value).__name__] = str(event.info)
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            phases[event.phase.value] += len(event.recorder.interactions)
            tried |= {node.value.operation.label for node in event.recorder.cases.values()}
            for checks in event.recorder.checks.values():
                for node in checks:
                    if node.status == Status.FAILURE:
                        info = node.failure_info
                        failure = info.failure
                        where = (failure.operation, node.name, failure.title)
                        failed.setdefault(where, f"{failure.message}\n{info.code_sample}")
    print(f"{role}: {sum(phases.values())} requests {dict(phases)}; {len(tried)} operations; {dict(session.statuses)}")
    told = [f"{' · '.join(map(str, where))}\n{what[:1500]}" for where, what in failed.items()]
    assert not told, "\n\n".join([f"{len(told)} failures", *told])
