"""Tiles: how they stand, how a change is judged, and that words stay words."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

from dashboards.tile_rows import Tile, across, show_tiles
from tests.dashboards.tiles import tiles_on


def shown(*groups):
    """What went to the browser, and the same as a page of the test runner."""
    bodies = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "html", bodies.append)
        show_tiles(*groups)
    (body,) = bodies
    return body, SimpleNamespace(get=lambda kind: [SimpleNamespace(proto=SimpleNamespace(body=body))])


@pytest.mark.parametrize(
    ("count", "expected"), [(1, 3), (3, 3), (4, 4), (5, 5), (6, 3), (7, 4), (9, 5), (11, 4), (12, 4)]
)
def test_rows_are_of_near_equal_length(count, expected):
    assert across(count) == expected


@pytest.mark.parametrize(
    ("change", "better", "said", "praise"),
    [
        ("+1.5 %", "up", "↑ +1.5 %", "good"),
        ("-1.5 %", "up", "↓ -1.5 %", "bad"),
        ("+1.5 %", "down", "↑ +1.5 %", "bad"),
        ("-1.5 %", "down", "↓ -1.5 %", "good"),
        ("+1.5 %", "", "↑ +1.5 %", "neither"),
        ("0.0 %", "up", "0.0 %", "neither"),
    ],
)
def test_a_change_points_its_way_and_is_good_where_the_figure_is_better_so(change, better, said, praise):
    body, _ = shown([Tile("Net sales", "₹1", change=change, better=better)])
    assert f'<div class="ims-change ims-{praise}">{said}</div>' in body


def test_groups_have_rows_of_their_own_and_an_empty_one_has_none():
    body, page = shown([Tile("A", "1")], [], [Tile("B", "2")])
    assert body.count("ims-tiles") == 2
    assert [tile.label for tile in tiles_on(page)] == ["A", "B"]
    assert tiles_on(shown([])[1]) == []


WORDS = some.text(some.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=20)


@given(WORDS, WORDS, WORDS, WORDS)
def test_words_stay_words(label, value, about, note):
    (tile,) = tiles_on(shown([Tile(label, value, about, note=note)])[1])
    assert (tile.label, tile.value, tile.help, tile.note) == (label, value, about, note)


@pytest.mark.parametrize("words", ["<b>bold</b>", '"><script>', "' onfocus='x", "&amp;"])
def test_words_bring_no_markup_with_them(words):
    plain, hostile = (
        [part.tag for part in ElementTree.fromstring(shown([Tile(w, w, w, w, note=w)])[0]).iter()] for w in ("x", words)
    )
    assert plain == hostile
