"""Business rules, read from `rules/<schema>/<table>.toml`: what must be true beyond the shape of a table.

A file may hold `empty_when` (why a chain may have no row of the table) and `[[rule]]` entries with name, severity,
what_to_do and either `failing` (the rows that break it) or `column` with `min` and `max`.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from expectations.check import Check
from expectations.shape import between

FOLDER = Path(__file__).parent / "rules"


@lru_cache(maxsize=1)
def read_rules() -> dict[str, tuple[str | None, tuple[Check, ...]]]:
    """For each table with rules: why it may be empty (None: it may not) and its checks."""
    found = {}
    for path in sorted(FOLDER.glob("*/*.toml")):
        table = f"{path.parent.name}.{path.stem}"
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        rules = tuple(_read_rule(table, rule) for rule in given.get("rule", ()))
        found[table] = (given.get("empty_when"), rules)
    return found


def _read_rule(table: str, rule: dict[str, Any]) -> Check:
    severity = rule["severity"]
    if severity not in ("blocking", "warning"):
        raise ValueError(f"rules of {table}: {rule['name']} has severity {severity!r}; it is blocking or warning")
    if "column" in rule:
        bounded = between(table, rule["name"], rule["column"], rule.get("min"), rule.get("max"), rule["what_to_do"])
        return replace(bounded, severity=severity)
    return Check(table, rule["name"], severity, " ".join(rule["failing"].split()), rule["what_to_do"])
