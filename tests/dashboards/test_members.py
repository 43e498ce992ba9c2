"""Members of dimensions are called by their names, in plain words; whoever may not know a name reads the code."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboards.members import say_code, shorten, spell
from dashboards.periods import list_whole_steps

CHAIN = {"S01": "Drishva Pune Central", "S02": "Drishva Delhi Central", "S03": "Drishva Delhi Airport", "WH": "Depot"}


def test_words_that_most_stores_share_are_left_out():
    assert shorten(CHAIN) == {"S01": "Pune Central", "S02": "Delhi Central", "S03": "Delhi Airport", "WH": "Depot"}
    assert shorten(CHAIN | {"S04": "Drishva Surat Central"})["S01"] == "Pune"


def test_a_name_of_shared_words_alone_stays():
    assert shorten({"A": "Vision", "B": "Vision", "C": "Vision"})["A"] == "Vision"


def test_two_stores_keep_their_names():
    assert shorten({"A": "Vision Pune", "B": "Vision Delhi"})["A"] == "Vision Pune"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("upi", "UPI"),
        ("bank_transfer", "Bank transfer"),
        ("OFFICE_SUPPLIES", "Office supplies"),
        ("RENT", "Rent"),
        ("A", "A"),
        ("0-30", "0-30"),
        ("over 365", "Over 365"),
        ("Contact lenses", "Contact lenses"),
        ("s06.sales1", "s06.sales1"),
    ],
)
def test_codes_are_said_in_plain_words(code, words):
    assert say_code(code) == words


def test_a_level_is_called_what_people_call_it():
    assert (spell("sku"), spell("remake_reason")) == ("item", "remake reason")


def test_steps_that_the_period_cuts_are_left_out():
    # August to October 2026 begins on a Saturday and ends on one
    steps = list_whole_steps(dt.date(2026, 8, 1), dt.date(2026, 10, 31), "week")
    assert (steps[0], steps[-1]) == (dt.date(2026, 8, 3), dt.date(2026, 10, 19))


def test_where_next_to_nothing_is_whole_all_steps_stay():
    assert len(list_whole_steps(dt.date(2026, 8, 1), dt.date(2026, 8, 14), "week")) == 3
