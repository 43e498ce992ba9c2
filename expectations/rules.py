"""Business rules, read from `rules/<schema>/<table>.toml`: what must be true beyond the shape of a table.

A file may hold `empty_when` (why a chain may have no row of the table) and `[[rule]]` entries with name, severity,
owner, what_to_do and either `failing` (the rows that break it) or `column` with `min` and `max`; where it is needed
`store` (the column that says whose rows they are) and `holds_back`.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from expectations.check import Check, Held, Owner, Severity
from expectations.shape import between

FOLDER = Path(__file__).parent / "rules"
WORDS = {"severity": get_args(Severity), "owner": get_args(Owner), "holds_back": (None, *get_args(Held))}


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


def holding_rules() -> tuple[Check, ...]:
    """The rules that hold something back: all of schema raw, so that nothing behind has seen it."""
    return tuple(check for _, checks in read_rules().values() for check in checks if check.holds_back)


def _read_rule(table: str, rule: dict[str, Any]) -> Check:
    given = {"owner": "data team", **rule}
    for word, allowed in WORDS.items():
        if given.get(word) not in allowed:
            named = ", ".join(str(each) for each in allowed if each)
            raise ValueError(f"rules of {table}: {rule['name']} has {word} {given.get(word)!r}; it is one of {named}")
    if given.get("holds_back") and not (table.startswith("raw.") and given["severity"] != "blocking"):
        raise ValueError(f"rules of {table}: {rule['name']} holds back, so it is a rule of schema raw and not blocking")
    if "column" in given:
        check = between(table, rule["name"], rule["column"], rule.get("min"), rule.get("max"), rule["what_to_do"])
    else:
        check = Check(table, rule["name"], "blocking", " ".join(rule["failing"].split()), rule["what_to_do"])
    return replace(
        check,
        severity=given["severity"],
        owner=given["owner"],
        store=given.get("store", "store_code"),
        holds_back=given.get("holds_back"),
    )
