"""What a log line may say. The first wall is not to log it; this is the second: no person, no secret, no row's values.

Messages of errors are kept only where they speak of code and addresses: a database's DETAIL, a validator's input and
a KeyError hold what somebody typed, so of those only the kind and the place are kept.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import sqlalchemy.exc
from psycopg_pool import PoolClosed, PoolTimeout

from ims.failure import Failure

HIDDEN = "…"
# members that name a person or a secret, whatever they hold
HIDDEN_MEMBERS = frozenset(
    [
        "username",
        "user_name",
        "full_name",
        "email",
        "mobile",
        "phone",
        "address",
        "client",
        "recipient",
        "dob",
        "date_of_birth",
        "password",
        "token",
        "authorization",
        "cookie",
        "secret",
        "query",
        "query_string",
        "body",
        "payload",
        "params",
        "parameters",
        "input",
    ]
)
WORTH_A_LOOK = re.compile(r"[\d@=:?-]|(?i:eyj|bearer|basic|digest)")  # most lines are words alone
SHAPES = (
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]+){1,2}"), HIDDEN),  # a JSON web token
    (re.compile(r"(?i)\b(bearer|basic|digest)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^/\s:@]*):[^@\s/]+@"), rf"\1:{HIDDEN}@"),  # a password in an address
    (
        re.compile(
            r"(?i)([\w-]*(?:passw(?:or)?d|pwd|secret|token|api[_-]?key|authorization|cookie|session|otp)[\w-]*"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&)}\]]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), HIDDEN),  # mail
    # a telephone or card number: ten digits or more, singly spaced; a date and time is none
    (re.compile(r"(?<![\w.-])(?!\d{4}-\d\d-\d\d)(?:\+|00)?\(?\d(?:[ ().-]{0,2}\d){9,18}(?!\w)"), HIDDEN),
    (re.compile(r"\?[^\s\"'?]*=[^\s\"']*"), f"?{HIDDEN}"),  # a query string
)
# their messages name types, files, addresses and our own sentences
SPEAKS_OF_CODE = (
    OSError, RuntimeError, AssertionError, ImportError, AttributeError, TypeError, NameError, MemoryError,
    PoolTimeout, PoolClosed, Failure,
)  # fmt: skip


def redact(text: str) -> str:
    """The text without what looks like a secret, a mail address or a number of a person.

    >>> redact("no customer +91 98765 43210 at postgresql://ims:hunter2@db/ims")
    'no customer … at postgresql://ims:…@db/ims'
    """
    if WORTH_A_LOOK.search(text) is None:
        return text
    for shape, instead in SHAPES:
        text = shape.sub(instead, text)
    return text


def plain(value: Any) -> Any:
    """A value for a log line: texts redacted, errors explained, members that name a person hidden."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case BaseException():
            return explain(value)
        case Mapping():
            return {str(name): HIDDEN if str(name) in HIDDEN_MEMBERS else plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(each) for each in value]
        case _:
            return redact(str(value))


def explain(error: BaseException) -> str:
    """What kind of error, and where the database or the code says it is; never with the values it was about."""
    name = type(error).__name__
    if isinstance(error, psycopg.Error) and error.sqlstate:
        diag = error.diag
        facts = {"constraint": diag.constraint_name, "table": diag.table_name, "column": diag.column_name}
        return " ".join([f"{name} {error.sqlstate}", *(f"{key}={value}" for key, value in facts.items() if value)])
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return f"{name} of {explain(error.orig)}"
    if isinstance(error, BaseExceptionGroup):
        return f"{name} of {', '.join(explain(each) for each in error.exceptions)}"
    # without an sqlstate it is the connection that failed, and the message is about addresses
    if isinstance(error, (*SPEAKS_OF_CODE, psycopg.OperationalError)):
        return f"{name}: {redact(str(error))}"
    return name


def trace(error: BaseException) -> str:
    """The error with its frames and causes, oldest first."""
    parts = []
    for each in _chain(error):
        frames = "".join(traceback.format_list(traceback.extract_tb(each.__traceback__)))
        parts.append(f"Traceback (most recent call last):\n{frames}{explain(each)}")
    return "\n\nwhich led to:\n\n".join(reversed(parts))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
