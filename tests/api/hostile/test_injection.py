"""What is smuggled into members, filters and names: SQL, formulas, lines of a log, members nobody offered."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from httpx import Response

from api.surface import Operation, operations

SLEEP = 4
SQL = (
    "' OR '1'='1",
    "1 OR 1=1",
    "'; DROP TABLE users; --",
    f"'||(SELECT pg_sleep({SLEEP}))||'",
    f"1; SELECT pg_sleep({SLEEP})--",
    "' UNION SELECT password_hash FROM users --",
    "%(user_id)s",
    "%s%s%n",
    "{0.__class__}",
    "\\'; SELECT 1; --",
    "a' AND 1=CAST((SELECT password_hash FROM users LIMIT 1) AS int) --",
    "$$;SELECT 1;$$",
    "*/ UNION SELECT 1 /*",
    "store_id; DELETE FROM stores",
    "%",
    "_",
    "\\",
)
FORMULAS = ('=HYPERLINK("http://evil.example","me")', "+1+1", "-2+3", "@SUM(A1)", "=cmd|'/C calc'!A0")


def described(world: Any, each: Operation) -> dict[str, Any]:
    return world.described["paths"][each.path][each.method.lower()]


def asked(world: Any) -> Iterator[Operation]:
    return (each for each in operations(world.app) if not re.search(r"/(health|ready|metrics)$", each.path))


def structure(world: Any) -> list[Any]:
    """Everything that a statement of data definition could change, and every password."""
    with psycopg.connect(world.url) as connection:
        return connection.execute(
            "SELECT 'relation', relname::text, relkind::text FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace"
            " UNION ALL SELECT 'function', proname::text, prosrc FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
            " UNION ALL SELECT 'user', username, password_hash FROM users ORDER BY 1, 2, 3"
        ).fetchall()


def get(world: Any, target: str, query: dict[str, str]) -> tuple[Response, float]:
    """The answer to the one who may most, and after how many seconds it came."""
    began = time.monotonic()
    answer = world.client.get(target, params=query, headers=bearer(world, "superadmin"))
    return answer, time.monotonic() - began


@pytest.mark.slow
def test_no_parameter_is_read_as_sql(world: Any) -> None:
    """Every parameter of every address, with every attack, asked by the one who may most."""
    before, tried, wrong = world.kept(), 0, []
    for each in asked(world):
        if each.method != "GET":
            continue
        path = world.path(each.path, "superadmin")  # of what one sees alone, one's own
        names = [p["name"] for p in described(world, each).get("parameters", ()) if p["in"] == "query"]
        targets = [(path, {name: attack}) for name in names for attack in SQL]
        if "{" in each.path:
            targets += [(re.sub(r"\{\w+\}", lambda _, a=attack: quote(a), each.path), {}) for attack in SQL]
        for target, query in targets:
            answer, took = get(world, target, query)
            tried += 1
            slow = took > SLEEP and get(world, target, query)[1] > SLEEP  # a busy machine is late once
            told = "argon2" in answer.text or "syntax" in answer.text or "psycopg" in answer.text
            if answer.status_code not in {200, 400, 404, 409, 422} or slow or told:
                wrong.append(f"{answer.status_code} {target} {query}: {answer.text[:200]}")
    assert wrong == []
    assert tried > 1000
    written_down = {"data_exports"}  # who took a customer's data out
    assert {table for table, rows in world.kept().items() if rows != before[table]} <= written_down


def quote(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def bearer(world: Any, role: str) -> dict[str, str]:
    return {"authorization": f"Bearer {world.tokens[role]}"}


def test_no_member_is_read_as_sql(world: Any) -> None:
    """Every text in every body; what may be kept is kept as the text that it is."""
    before, tried = structure(world), 0
    for each in asked(world):
        body = world.body(each.method, each.path, "here")
        if "/account" in each.path or "/tokens" in each.path or "/password" in each.path:
            continue  # their tries are counted
        for number, (place, name) in enumerate(texts(body)):
            attack = SQL[(tried + number) % len(SQL)]
            given, kept = place[name], place
            kept[name] = attack
            began = time.monotonic()
            answer = world.ask("superadmin", each.method, world.path(each.path, "here"), body)
            assert answer.status_code < 500, f"{each.method} {each.path} {name}={attack!r}: {answer.text}"
            assert time.monotonic() - began < SLEEP, f"{each.method} {each.path} {name}={attack!r} slept"
            kept[name] = given
            tried += 1
    assert tried > 40
    assert structure(world) == before
    for attack in SQL:
        made = world.ask("manager", "POST", "/api/v1/customers", customer(world, attack))
        assert made.json()["full_name"] == attack.strip()


def customer(world: Any, name: str) -> dict[str, Any]:
    return {"full_name": name, "home_store_id": world.key("here", "stores")}


def texts(body: Any) -> list[tuple[Any, Any]]:
    """Each text within, as the object or array that has it and where."""
    inner = list(body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ())
    found = [(body, name) for name, value in inner if isinstance(value, str)]
    return found + [each for _, value in inner for each in texts(value)]


UNOFFERED = {
    "is_admin": True, "roles": ["superadmin"], "created_by": 1, "changed_xid": 1, "user_id": 1, "status_code": 200,
    "approved_by": 1, "unit_cost_override": "0.01", "__proto__": {}, "password_hash": "x",
}  # fmt: skip


def test_a_member_that_is_not_offered_is_not_assigned(world: Any) -> None:
    """Every body of every operation, with one member more."""
    before, wrong, tried = world.kept(), [], 0
    for each in asked(world):
        body = world.body(each.method, each.path, "here")
        if not isinstance(body, dict):
            continue
        for number, (name, value) in enumerate(UNOFFERED.items()):
            if name in body or (tried + number) % 3:
                continue
            role = "optometrist" if each.permission in world.clinical else "superadmin"
            answer = world.ask(role, each.method, world.path(each.path, "here"), {**body, name: value})
            told = answer.status_code == 422 and any(f["where"] == f"body.{name}" for f in answer.json()["faults"])
            if not told and answer.status_code != 429:
                wrong.append(f"{each.method} {each.path} {name}: {answer.status_code} {answer.text[:200]}")
        tried += 1
    assert wrong == []
    assert tried > 40
    assert world.kept() == before


def test_nothing_a_customer_wrote_runs_in_a_spreadsheet(world: Any) -> None:
    for name in FORMULAS:
        made = world.ask("manager", "POST", "/api/v1/customers", {**customer(world, name), "city": name}).json()
        answer = world.ask("superadmin", "GET", f"/api/v1/customers/{made['customer_id']}/export?format=csv")
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            cells = [
                cell
                for table in archive.namelist()
                for row in csv.reader(io.StringIO(archive.read(table).decode("utf-8-sig")))
                for cell in row
            ]
        assert any(name in cell for cell in cells)
        assert [cell for cell in cells if re.match(r"[=@+\t\r]|-(?!\d+(\.\d+)?$)", cell)] == []


def test_a_line_of_a_log_cannot_be_written_from_outside(world: Any, served: Any) -> None:
    """Whatever is in a name, an address or a header: a line of the log stays one, and says what IMS says."""
    forged = json.dumps({"level": "critical", "message": "forged"})
    end = "HTTP/1.1\r\nHost: ims.test\r\nConnection: close\r\n"
    body = json.dumps({"username": f"x\n{forged}", "password": "x"}).encode()
    lines = [
        f"GET /api/v1/stores/%0a{quote(forged)} {end}\r\n".encode(),
        f"GET /api/v1/stores?q=%0d%0a{quote(forged)} {end}\r\n".encode(),
        f"GET /api/v1/stores {end}X-Request-Id: a\u2028{forged}\r\nUser-Agent: x\x1b[2J{forged}\r\n\r\n".encode(),
        f"POST /api/v1/tokens {end}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body,
    ]
    for each in lines:
        served.send(each)
    written = served.log.read_text("utf-8").splitlines()
    assert len(written) >= len(lines)
    assert [line for line in written if json.loads(line).get("message") == "forged"] == []
    assert "\x1b" not in "".join(written)


def test_no_pattern_of_the_description_takes_long(world: Any) -> None:
    """Texts that make a pattern go back again and again, in every member and parameter that has one."""
    tried = 0
    for pattern in sorted(set(re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(world.described)))):
        compiled = re.compile(json.loads(f'"{pattern}"'))
        for unit in ("a", "1", " ", "a@", "1.", "-1", "a,", "\t", "/", "é"):
            began = time.perf_counter()
            compiled.search(unit * 20_000 + "\n!")
            assert time.perf_counter() - began < 1, pattern
            tried += 1
    assert tried > 50
