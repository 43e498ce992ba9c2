"""The page of checks is what the rules say, and every defect of the domain is found by a check that there is."""

from __future__ import annotations

from expectations.docs import PAGE, read_defects, render_page
from expectations.rules import read_rules


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == render_page(page), "run `python -m expectations.docs`"


def test_every_defect_is_found_by_a_check_that_there_is() -> None:
    rules = {(table, check.name) for table, (_, checks) in read_rules().items() for check in checks}
    named = {(each["table"], each["check"]) for each in read_defects().values() if "check" in each}
    assert named <= rules
    assert len(read_defects()) >= 19, "f.7 has nineteen"


def test_what_is_done_about_it_is_said_to_a_person() -> None:
    for _, checks in read_rules().values():
        for check in checks:
            assert check.what_to_do.endswith("."), check.name
            assert len(check.what_to_do.split()) > 4, check.name
