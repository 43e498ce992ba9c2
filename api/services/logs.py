"""Logs as one JSON object a line, on stderr; each line of a request carries its id, and its trace's where there is one.

Whoever logs names facts in `extra`, never secrets or people; what slips through meets `redaction`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import threading
from contextvars import ContextVar
from typing import Any

from api.services.redaction import HIDDEN, HIDDEN_MEMBERS, explain, plain, redact, trace
from api.services.tracing import trace_id

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
WRITER = json.JSONEncoder(default=str, ensure_ascii=False)
OURS = frozenset({"request_id", "trace_id", "route", "method"})  # made or checked by IMS: nothing to redact


class JsonFormatter(logging.Formatter):
    """`{"at": …, "level": …, "logger": …, "message": …, "request_id": …, …extra}`"""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        for name, value in (("request_id", REQUEST_ID.get()), ("trace_id", trace_id())):
            if value is not None:
                fields[name] = value
        for name, value in vars(record).items():
            if name not in STANDARD:
                fields[name] = value if name in OURS else HIDDEN if name in HIDDEN_MEMBERS else plain(value)
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = trace(record.exc_info[1])
        return WRITER.encode(fields)


def configure_logs() -> None:
    """Send the logs of this process to stderr; only warnings where a person sits at the terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_is_worth_a_line)
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    threading.excepthook = _log_thread
    for name in ("uvicorn", "uvicorn.error", *_streamlit_loggers()):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # `ims.web` writes that line, with more in it
    logging.getLogger("httpx").setLevel(logging.WARNING)  # whole addresses, of each webhook
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # a database that is away is said once, by /ready


def _message(record: logging.LogRecord) -> str:
    if record.args and isinstance(record.args, tuple):
        record.args = tuple(explain(each) if isinstance(each, BaseException) else each for each in record.args)
    message = record.getMessage()
    # asyncio appends the representation of its tasks, and with them of their errors
    return redact(message.partition("\n")[0] if record.name == "asyncio" else message.strip())


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    # uvicorn writes addresses and query strings of websockets
    return not (record.name == "uvicorn.error" and '"WebSocket' in str(record.msg))


def _streamlit_loggers() -> list[str]:
    return [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "streamlit"]


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        logging.getLogger("ims.web").error("a thread failed", exc_info=failed.exc_value)
