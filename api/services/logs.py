"""Logs as one JSON object a line, on stderr. Whoever logs names facts in `extra`, never secrets."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Any

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """`{"at": …, "level": …, "logger": …, "message": …, …extra}`"""

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({key: value for key, value in vars(record).items() if key not in STANDARD})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str, ensure_ascii=False)


def configure_logs() -> None:
    """Send the logs of this process to stderr; only warnings where a person sits at the terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "streamlit"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # `ims.web` writes that line, with more in it
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # a database that is away is said once, by /ready
