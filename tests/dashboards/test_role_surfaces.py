"""Every role × scope × surface of the warehouse: figures asked for, pages, files taken; routes are in tests/api.

The tables here are written out a second time, from the domain and not from the policy.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
from collections.abc import Callable, Iterator

import openpyxl
import psycopg
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from api.identity.policy import permissions, roles
from api.identity.principal import SignedIn
from api.identity.scope import Scope, scope_of
from api.identity.sessions import COOKIE, read_session
from dashboards.figures import Question, ask
from dashboards.files import MayNotTake
from dashboards.reader import lake_at
from tests.dashboards.tiles import tiles_on
from warehouse import metrics
from warehouse.metrics import NotAllowed

STORES = {"S01": "Indiranagar", "S02": "Koregaon Park", "S03": "Salt Lake"}
# what a role reaches: A every store, S its own, R what they did themselves there, - nothing.
# Costs: C sees them, * only when granted, - never
TABLE = """
role        report:sales  report:stock  report:clinical  report:staff  forecast:read  costs  Reorder  Sales  suggestions  sales
superadmin  A             A             A                A             A              C      A        A      A            A
admin       A             A             A                A             A              C      A        A      A            A
buyer       A             A             -                -             A              C      A        A      A            A
manager     S             S             S                S             S              -      S        S      S            S
accountant  A             A             -                -             -              C      -        A      -            A
analyst     A             A             A                -             A              *      A        A      -            A
staff       S             S             R                R             -              -      -        S      -            -
"""  # noqa: E501
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
REACH = {line[0]: dict(zip(HEAD, line, strict=True)) for line in LINES}
# some of the figures that tell a cost; that every figure made of a cost is one of them, tests/sql holds
KNOWN_COSTS = {"cost_of_sales", "gross_margin", "gross_margin_share", "stock_value", "gmroi", "store_contribution"}
COSTS = {name for name, metric in metrics.catalogue().items() if metric.visible == "cost"}
# by the table they are told from; of the same table some speak of people
PERMISSION_OF = {
    "report:clinical": ("eye_tests", "prescriptions", "queue_entries", "recalls", "refills"),
    "report:sales": (
        "dim_customer", "customer_months", "customer_years", "demand_weekly", "expenses", "orders", "pairs", "payments",
        "receivables", "run_rate", "returns", "sales_lines", "store_days", "targets", "traffic_daily", "walkouts",
    ),
    "report:stock": (
        "dim_product_class", "broken_runs", "counts", "demand_weekly", "expiry", "fill_daily", "inventory_position",
        "lab_jobs", "lost_sales", "power_coverage", "power_grid", "purchase_lines", "stock_health", "stock_integrity",
        "stock_layers", "stock_value_daily", "suggestions", "transfer_lines",
    ),
    "report:staff": ("eye_tests", "sales_lines"),
    "forecast:read": ("calibration", "forecast_scores", "forecast_weekly"),
}  # fmt: skip
SOME = [(), ("S01",), ("S01", "S03")]
CASES = [(role, stores, grants) for role in REACH for stores in SOME for grants in ((), ("cost:read",))]
PEOPLE = [(role, ("S01",), ()) for role in REACH] + [("manager", (), ()), ("staff", (), ())]
PEOPLE += [("analyst", (), ("cost:read",)), ("manager", ("S01",), ("cost:read",))]


@pytest.fixture
def at_world(world, site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SignedIn]]:
    """Someone signed in to the published world: `at_world(role, stores, grants)`."""
    monkeypatch.setattr(st, "secrets", {"databases": dataclasses.asdict(world.installation.databases)})

    def sign_in(role: str, stores: tuple[str, ...] = (), grants: tuple[str, ...] = ()) -> SignedIn:
        token = site.sign_in(world.installation, role, stores, grants)
        with psycopg.connect(world.installation.databases.operational) as connection:
            user = read_session(connection, token)
        assert user is not None
        return user

    yield sign_in
    st.cache_data.clear()
    st.cache_resource.clear()


def sees_cost(role: str, grants: tuple[str, ...]) -> bool:
    return REACH[role]["costs"] == "C" or (REACH[role]["costs"] == "*" and "cost:read" in grants)


def seen(letter: str, stores: tuple[str, ...]) -> set[str]:
    return {"A": set(STORES), "S": set(stores), "R": set(), "-": set()}[letter]  # nobody of these did anything


def test_the_tables_name_every_role_and_every_figure_a_permission_of_the_policy() -> None:
    assert tuple(REACH) == roles()
    assert KNOWN_COSTS <= COSTS
    for metric in metrics.catalogue().values():
        assert metric.permissions <= set(permissions())
        for permission in metric.permissions:
            assert metric.formula or metric.table.split(".")[1].removeprefix("fct_") in PERMISSION_OF[permission]


def one_of_each_kind() -> list[metrics.Metric]:
    """A figure of every table, permission and visibility: those of one kind are compiled alike."""
    sums = [metric for metric in metrics.catalogue().values() if not metric.formula]
    return [*{(metric.table, metric.permissions, metric.visible): metric for metric in sums}.values()]


def test_every_role_gets_of_every_figure_its_own_stores_and_no_cost_that_is_not_its_own(world, at_world) -> None:
    wrong = []
    for role, stores, grants in CASES:
        scope = scope_of(at_world(role, stores, grants))
        wrong += [
            f"{name} shows {role} {stores} {grants} a cost"
            for name in COSTS
            if not sees_cost(role, grants) and not is_refused(world, scope, Question((name,)))
        ]
        for metric in one_of_each_kind():
            if metric.name in COSTS and not sees_cost(role, grants):
                continue
            (permission,) = metric.permissions
            letter = REACH[role][permission]
            if letter == "-" or "store" not in metric.splits or (letter == "R" and metric.person is None):
                if is_refused(world, scope, Question((metric.name,))) == (letter == "A"):
                    wrong.append(f"{metric.name} for {role} {stores} {grants}")
                continue
            shown = set(ask(world.snapshot_id, scope, Question((metric.name,), ("store",)))["store"])
            if shown != seen(letter, stores):
                wrong.append(f"{metric.name} for {role} {stores} {grants}: {shown}")
    assert wrong == []


@pytest.mark.parametrize("name", ["units_sold", "stock_on_hand", "eye_tests"])
def test_a_store_asked_for_by_name_is_refused_outside_of_the_reach(world, at_world, name: str) -> None:
    (permission,) = metrics.catalogue()[name].permissions
    for role, stores, grants in CASES:
        scope = scope_of(at_world(role, stores, grants))
        others = {store for store in STORES if not is_refused(world, scope, Question((name,), store=store))}
        assert others == seen(REACH[role][permission].replace("R", "S"), stores), (role, stores, grants)


def is_refused(world, scope: Scope, question: Question) -> bool:
    try:
        ask(world.snapshot_id, scope, question)
    except NotAllowed:
        return True
    return False


def test_a_total_holds_no_other_store(world, at_world) -> None:
    sold = world.frames()["sales"]
    for role, stores, _ in PEOPLE:
        inside = [row["sold_qty"] for row in sold.iter_rows(named=True) if row["store_code"] in stores]
        expected = sold["sold_qty"].sum() if REACH[role]["report:sales"] == "A" else sum(inside) or None
        whole = ask(world.snapshot_id, scope_of(at_world(role, stores)), Question(("units_sold",)))
        assert whole["units_sold"][0] == expected, role


def test_each_figure_follows_its_own_permission(world, at_world) -> None:
    at_world("superadmin")
    every, own = None, frozenset({"S01"})
    both = Scope(every, True, (("report:sales", every), ("report:stock", own)))
    rows = ask(world.snapshot_id, both, Question(("units_sold", "stock_on_hand"), ("store",)))
    assert dict(rows.select("store", "stock_on_hand").rows()).keys() == set(STORES)
    assert [store for store, units in rows.select("store", "stock_on_hand").rows() if units is not None] == ["S01"]
    assert rows["units_sold"].null_count() == 0
    weekly = ask(world.snapshot_id, both, Question(("demand_units", "in_stock_share"), ("store",)))
    assert [row[0] for row in weekly.rows() if row[2] is not None] == ["S01"]
    sales_only = Scope(every, True, (("report:sales", every),))
    assert is_refused(world, sales_only, Question(("stock_on_hand",)))
    assert is_refused(world, sales_only, Question(("units_sold", "stock_on_hand")))
    assert is_refused(world, Scope(every, True), Question(("units_sold",))), "no permission, no figure"
    with pytest.raises(NotAllowed):
        metrics.query(lake_at(world.snapshot_id), ["units_sold"], scope=metrics.Scope(None, True, ()))


@pytest.mark.parametrize(("role", "stores", "grants"), PEOPLE)
def test_pages_and_files_hold_what_the_role_may_see_and_each_file_is_recorded(
    world, site, at_world, role: str, stores: tuple[str, ...], grants: tuple[str, ...]
) -> None:
    user = at_world(role, stores, grants)
    taken = {}
    for view, kind in (("Reorder", "suggestions"), ("Sales", "sales")):
        page = site.open_view(world.installation, view)
        assert not page.exception
        own = [name for name in page.session_state["offered"] if name in {"Reorder", "Sales"}]
        assert own == [name for name in ("Reorder", "Sales") if REACH[role][name] != "-"]
        shown = seen(REACH[role][view], stores)
        if REACH[role][view] == "-":
            assert f"{view} is not part of your role" in site.words(page)
        if not shown:
            assert not [*page.dataframe, *tiles_on(page), *page.get("plotly_chart")]
            assert not page.session_state["files"]
            continue
        check_page(page, site.words(page), shown, sees_cost(role, grants))
        files = {name: take() for name, take in page.session_state["files"].items()}
        expected = ["csv", "xlsx"] if REACH[role][kind] != "-" else []
        assert sorted(name.rpartition(".")[2] for name in files) == expected
        for name, content in files.items():
            rows = read_rows(name, content)
            column = "store_code" if kind == "suggestions" else "store"
            assert {row[column] for row in rows} == seen(REACH[role][kind], stores), name
            assert not mentions(rows, set(STORES) - shown)
            costs = {member for member in rows[0] if member in COSTS or "cost" in member or member == "receipt"}
            assert bool(costs) == (kind == "sales" and sees_cost(role, grants)), costs
            taken[hashlib.sha256(content).hexdigest()] = (kind, name.rpartition(".")[2], len(rows), role)
    with psycopg.connect(world.installation.databases.operational) as connection:
        written = connection.execute(
            "SELECT checksum, kind, format, row_count, role FROM data_exports WHERE requested_by = %s", (user.user_id,)
        ).fetchall()
        events = connection.execute(
            "SELECT user_id, after->>'kind', after->>'format', after->'stores' FROM audit_log "
            "WHERE kind = 'data.exported'"
        ).fetchall()
    assert {row[0]: row[1:] for row in written} == taken
    assert sorted(event[:3] for event in events) == sorted((user.user_id, *row[:2]) for row in taken.values())
    whole = REACH[role]["Sales"] == "A"
    assert all(event[3] == (None if whole else sorted(stores)) for event in events)


def check_page(page: AppTest, words: str, shown: set[str], costs: bool) -> None:
    """The table of the page is of these stores; whoever may not see costs sees none."""
    table = page.dataframe[0].value
    assert {str(store)[:3] for store in table["store"]} == shown
    assert not {name for code, name in STORES.items() if code not in shown and name in words}
    named = {*table.columns, *(tile.label for tile in tiles_on(page))}
    if not costs:
        assert not named & {*COSTS, "Gross margin", "Cost of sales"}
    elif "net_sales" in table.columns:
        assert "gross_margin" in table.columns


def read_rows(name: str, content: bytes) -> list[dict[str, object]]:
    if name.endswith(".csv"):
        return list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    head, *rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    names = [str(cell).lower().replace(" ", "_") for cell in head]
    return [dict(zip(names, row, strict=True)) for row in rows]


def mentions(rows: list[dict[str, object]], codes: set[str]) -> set[str]:
    cells = {str(cell) for row in rows for cell in row.values()}
    return {code for code in codes if code in cells or STORES[code] in cells}


def test_whoever_reads_everywhere_takes_away_only_where_they_may_export(world, site, at_world, make_user) -> None:
    at_world("manager")
    url = world.installation.databases.operational
    site.cookies[COOKIE] = make_user(url, "both", ("analyst", "manager"), ("S02",))
    page = site.open_view(world.installation, "Reorder")
    assert {str(store)[:3] for store in page.dataframe[0].value["store"]} == set(STORES)
    files = page.session_state["files"]
    assert len(files) == 2
    for name, take in files.items():
        assert {row["store_code"] for row in read_rows(name, take())} == {"S02"}


def test_a_button_that_outlived_its_session_or_its_permission_gives_nothing(world, site, at_world) -> None:
    url = world.installation.databases.operational
    for statement in (
        "UPDATE user_sessions SET revoked_at = now()",
        "DELETE FROM user_roles",
        "UPDATE users SET is_active = false",
    ):
        at_world("manager", ("S01",))
        files = site.open_view(world.installation, "Reorder").session_state["files"]
        with psycopg.connect(url) as connection:
            connection.execute(statement)
        assert len(files) == 2
        for take in files.values():
            with pytest.raises(MayNotTake):
                take()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM data_exports").fetchone() == (0,)


BEGINS_AT = {
    "superadmin": "Executive",
    "admin": "Executive",
    "buyer": "Reorder",
    "manager": "Reorder",
    "accountant": "Day close and tax",
    "analyst": "Data quality",
    "staff": "Today",
}


@pytest.mark.parametrize("role", REACH)
def test_the_front_door_leads_to_the_page_where_the_role_begins(world, site, at_world, role: str) -> None:
    at_world(role, ("S01",))
    page = site.open(world.installation)
    assert not page.exception
    assert page.title[0].value == BEGINS_AT[role]


def test_who_has_several_roles_begins_where_the_most_powerful_does(world, site, at_world, make_user) -> None:
    at_world("manager")
    site.cookies[COOKIE] = make_user(world.installation.databases.operational, "both", ("staff", "manager"), ("S02",))
    assert site.open(world.installation).title[0].value == "Reorder"
