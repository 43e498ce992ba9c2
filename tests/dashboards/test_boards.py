"""Boards: every one opens for every role, a tile says what the metric layer says, digging on lives in the address."""

from __future__ import annotations

import datetime as dt

import pytest

from api.identity.policy import permissions, roles
from api.identity.scope import Scope as Reach
from dashboards.board import boards
from dashboards.figures import may_see
from dashboards.periods import SPANS, days_of, start_of
from dashboards.selection import clock_of
from tests.dashboards.tiles import tiles_on, values_on
from warehouse.catalogue import catalogue
from warehouse.comparison import compare
from warehouse.dimensions import Between
from warehouse.formats import format_metric
from warehouse.lake import connect
from warehouse.metrics import query
from warehouse.scope import Scope

BOARDS = {board.name: board for board in boards()}


def test_boards_name_permissions_groups_and_questions() -> None:
    for board in boards():
        assert board.permission in permissions(), board.name
        assert board.question.endswith("?"), board.name
        assert board.tiles, board.name
        assert board.icon.startswith(":material/"), board.name


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_board_opens_for_every_role_and_shows_no_cost_to_who_may_not_see_it(world, site, name: str) -> None:
    board = BOARDS[name]
    costs = {metric.label for metric in catalogue().values() if metric.visible == "cost"}
    for role in roles():
        site.sign_in(world.installation, role, ("S01",))
        page = site.open_view(world.installation, board.title)
        assert not page.exception, (role, page.exception)
        words = site.words(page) + " ".join(str(tile.label) for tile in tiles_on(page))
        assert "defect in IMS" not in words, role
        if role in {"manager", "staff"}:
            assert not costs & {tile.label for tile in tiles_on(page)}, role
            assert "Koregaon" not in words, role
            assert "S03" not in words, role


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_tile_says_what_the_metric_layer_says(world, site, name: str) -> None:
    board = BOARDS[name]
    site.sign_in(world.installation)
    page = site.open_view(world.installation, board.title)
    tiles = {tile.label: tile for tile in tiles_on(page)}
    con = connect(world.installation.databases, world.installation.settings, snapshot=world.snapshot_id, read_only=True)
    begin, end = days_of(board.span, dt.date(2026, 11, 23), dt.date(2025, 9, 1))
    for metric in (catalogue()[each] for each in board.tiles):
        clock = clock_of(metric)
        where = {clock: Between(start_of(begin, clock), start_of(end, clock))} if clock else {}
        rows = query_or_compare(con, metric.name, where, board.beside if clock == "day" else None)
        expected = rows[metric.name][0]
        if expected is None:
            assert metric.label not in tiles
            continue
        assert tiles[metric.label].value.removeprefix("≈ ") == format_metric(expected, metric.unit, "INR", compact=True)
    con.close()


def query_or_compare(con, name, where, beside):

    scope = Scope(None, True)
    return (
        compare(con, [name], (), where, to=beside, scope=scope)
        if beside
        else query(con, [name], (), where, scope=scope)
    )


def test_what_is_fixed_stands_in_the_address_and_can_be_let_go(world, site) -> None:
    site.sign_in(world.installation)
    page = site.open_view(world.installation, "Store month", category="Frames", sku="FR-1001", span="last_13_weeks")
    assert not page.exception
    assert page.selectbox(key="category").value == "Frames"
    chips = [button for button in page.button if button.label == "Item: FR-1001"]
    assert len(chips) == 1
    chips[0].click().run()
    assert "sku" not in page.query_params
    assert page.query_params["category"] == "Frames"


def test_a_board_answers_its_question_in_a_sentence(world, site) -> None:
    site.sign_in(world.installation, "manager", ("S01", "S02"))
    page = site.open_view(world.installation, "Store month", span="last_13_weeks", beside="previous")
    (answer,) = (text.value for text in page.markdown if text.value.startswith("**Net sales: "))
    tiles = values_on(page)
    assert answer.startswith(f"**Net sales: {tiles['Net sales']}**")
    assert "than the days before" in answer
    # who moved it, by name; a store that is not theirs is not told of
    assert "S01 · Indiranagar" in answer
    assert "Salt Lake" not in answer
    page = site.open_view(world.installation, "Store month", store="S01", span="last_13_weeks", beside="previous")
    (answer,) = (text.value for text in page.markdown if text.value.startswith("**Net sales: "))
    assert "Contact lenses" in answer, "with a store chosen, categories moved it"


def test_digging_ends_at_the_order_lines(world, site) -> None:
    site.sign_in(world.installation)
    page = site.open_view(world.installation, "Store month", store="S01", sku="FR-1001", span="last_13_weeks")
    assert not page.exception
    lines = page.dataframe[-1].value
    assert lines.columns[0] == "order_line"
    assert len(lines) > 1
    assert lines["order_line"].str.match(r"\d{4}-\d\d-\d\d").all()


@pytest.mark.parametrize(
    "hostile",
    [
        {"store": "S99", "category": "'; DROP TABLE x", "span": "?", "beside": "?", "from": "x"},
        {"sku": "<script>alert(1)</script>"},
        {"from": "2026-12-31", "to": "1999-01-01"},
    ],
)
def test_hostile_parameters_are_as_none(world, site, hostile: dict[str, str]) -> None:
    site.sign_in(world.installation, "manager", ("S01",))
    page = site.open_view(world.installation, "Store month", **hostile)
    assert not page.exception
    assert "This page failed" not in site.words(page)


def test_a_figure_needs_its_permissions_and_costs_the_right_to_see_them() -> None:
    sales = Reach(None, sees_cost=False, reports=(("report:sales", None),))
    assert may_see(catalogue()["net_sales"], sales)
    assert not may_see(catalogue()["gross_margin"], sales)
    assert not may_see(catalogue()["stock_on_hand"], sales)


def test_spans_are_whole_weeks_and_months() -> None:
    wednesday, first = dt.date(2026, 11, 25), dt.date(2024, 1, 1)
    assert days_of("last_month", wednesday, first) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))
    assert days_of("this_month", wednesday, first) == (dt.date(2026, 11, 1), dt.date(2026, 11, 24))
    assert days_of("last_12_months", wednesday, first) == (dt.date(2025, 11, 1), dt.date(2026, 10, 31))
    assert days_of("last_week", wednesday, first) == (dt.date(2026, 11, 16), dt.date(2026, 11, 22))
    assert days_of("last_12_months", wednesday, dt.date(2026, 11, 20))[0] == dt.date(2026, 11, 20)
    assert days_of("this_month", dt.date(2026, 11, 1), first) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))
    for span in SPANS:
        begin, end = days_of(span, wednesday, first)
        assert begin <= end < wednesday
