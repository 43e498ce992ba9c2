"""Views that are no boards: each opens for every role, before anything is published and with a hostile address."""

from __future__ import annotations

import psycopg
import pytest

from api.identity.policy import permissions, roles
from dashboards.board import boards
from dashboards.shell import offered
from tests.dashboards.tiles import tiles_on

BOARDS = {board.name for board in boards()}
VIEWS = [each for each in offered() if each.name not in BOARDS]
NAMES = [each.name for each in VIEWS]
HOSTILE = "'; DROP TABLE users; --<script>alert(1)</script>"
PARAMETERS = (
    "store", "category", "sku", "check", "layer", "severity", "state", "owner", "line", "segment", "run", "figure",
    "part", "start", "version", "section", "kind", "role", "active", "group", "verdict",
    "season", "begin", "end", "uplift", "level",
)  # fmt: skip
OTHERS = ("S02", "S03", "Koregaon", "Salt Lake")


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_view_names_a_permission_and_its_place(view) -> None:
    assert view.permission in permissions()
    assert view.icon.startswith(":material/")
    assert view.group in {"Store", "Buying", "Planning", "Data"}


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_view_opens_for_every_role_and_shows_a_store_only_its_own(world, site, view) -> None:
    for role in roles():
        site.sign_in(world.installation, role, ("S01",))
        page = site.open_view(world.installation, view.title)
        assert not page.exception, (role, page.exception)
        words = site.words(page)
        assert "defect in IMS" not in words, role
        is_told = "is not part of your role" in words
        assert is_told == (view.title not in page.session_state["offered"]), role
        if is_told:
            assert not [*page.dataframe, *tiles_on(page), *page.get("plotly_chart")], role
        if role in {"manager", "staff"}:
            told = words + everything_on(page)
            assert not [each for each in OTHERS if each in told], role
            assert "unit_cost" not in told, role


def everything_on(page) -> str:
    """All that went to the browser beside plain text: tables, tiles, choices, charts."""
    tables = [frame.value.to_csv() for frame in page.dataframe]
    tiles = [f"{tile.label} {tile.value} {tile.change} {tile.help} {tile.note}" for tile in tiles_on(page)]
    choices = [f"{box.label} {box.options}" for box in page.selectbox]
    return "\n".join([*tables, *tiles, *choices, *(str(chart.proto) for chart in page.get("plotly_chart"))])


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_hostile_address_is_as_none(world, site, view) -> None:
    for role in ("superadmin", "manager"):
        site.sign_in(world.installation, role, ("S01",))
        page = site.open_view(world.installation, view.title, **dict.fromkeys(PARAMETERS, HOSTILE))
        assert not page.exception, role
        assert "defect in IMS" not in site.words(page)
        assert "DROP TABLE" not in site.words(page)


@pytest.mark.parametrize("view", VIEWS, ids=NAMES)
def test_a_view_opens_before_anything_is_published(installation, site, view) -> None:
    site.sign_in(installation)
    page = site.open_view(installation, view.title)
    assert not page.exception
    words = site.words(page)
    assert "defect in IMS" not in words
    assert ("Nothing is published yet" in words) != view.is_always_shown


def test_who_has_no_store_is_told_so(world, site) -> None:
    site.sign_in(world.installation, "manager")
    for view in VIEWS:
        page = site.open_view(world.installation, view.title)
        assert not page.exception
        assert not page.session_state["files"]
    with psycopg.connect(world.installation.databases.operational) as connection:
        assert connection.execute("SELECT count(*) FROM data_exports").fetchone() == (0,)
