"""What is asked for has an index: each filter of each list of the services, and each reference; or it says why not."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest

import api.services
from api.services.paging import Paging

FILTERS, REFERENCES = (
    tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    for name in ("index_lists.toml", "index_references.toml")
)
PASSED = {"action", "paging", "cursor", "limit", "after"}
CASES = [
    (f"{module}.{name}.{filter_}", case)
    for module, lists in FILTERS.items()
    for name, filters in lists.items()
    for filter_, case in filters.items()
]
# references that no index begins with
UNINDEXED = """
    SELECT k.conname, k.confrelid::regclass::text, has_table_privilege('ims_app', k.confrelid, 'DELETE')
      FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
     WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT c.relispartition
       AND k.connamespace = 'public'::regnamespace AND NOT EXISTS (
           SELECT FROM pg_index AS x WHERE x.indrelid = k.conrelid AND x.indkey[0] = ANY (k.conkey))
"""


def test_every_filter_of_a_list_is_named():
    there = set()
    for module in pkgutil.iter_modules(api.services.__path__):
        services = vars(importlib.import_module(f"api.services.{module.name}"))
        for name, service in services.items():
            is_own = inspect.iscoroutinefunction(service) and service.__module__ == f"api.services.{module.name}"
            if is_own and name.startswith(("list_", "find_customers", "levels")):
                there |= {
                    f"{module.name}.{name}.{each}" for each in set(inspect.signature(service).parameters) - PASSED
                }
    assert {name for name, _ in CASES} == there


@pytest.mark.parametrize("named", [name for name, case in CASES if "uses" in case])
def test_the_filter_has_its_index(plans, named):
    case: dict[str, Any] = dict(CASES)[named]
    module, name, filter_ = named.split(".")
    service = getattr(importlib.import_module(f"api.services.{module}"), name)
    given = {filter_: case["given"], **case.get("with", {})}
    parameters = inspect.signature(service).parameters
    if "paging" in parameters:
        given["paging"] = Paging(50)
    elif "limit" in parameters:
        given["limit"] = 50
    planned, scanned = plans.look(lambda action: service(action, **given), case.get("of", "stores"))
    # a search is a function of the database; only its index for words is never looked at but to search
    assert case["uses"] in (scanned if case["uses"].endswith("_words") else planned)


def test_what_has_no_index_says_why():
    assert all(("uses" in case) != bool(case.get("because")) for _, case in CASES)


def test_references_without_an_index_say_why(plans):
    """Rows that the application may delete are always looked for by an index: a delete asks every reference to them."""
    with psycopg.connect(plans.url) as connection:
        found = {name: deletable for name, _, deletable in connection.execute(UNINDEXED).fetchall()}
    assert {name for name, is_deletable in found.items() if is_deletable} == set()
    assert {name for group in REFERENCES.values() for name in group["names"]} == set(found)
    assert all(group["because"] for group in REFERENCES.values())
