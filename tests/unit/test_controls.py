"""Every requirement has an answer, every file that an answer names is there, and the pages say what the data say."""

from __future__ import annotations

import tomllib

import pytest

from ims.readiness.controls import FOLDER, ROOT, TITLES, Control, main, read, summary

every_list = pytest.mark.parametrize("name", sorted(TITLES))


@every_list
def test_what_shows_a_control_is_there(name):
    for each in read(name):
        assert len(each.says) > 3
        for path in each.tests:
            assert path.startswith("tests/"), path
            assert "def test_" in (ROOT / path).read_text(), path
        assert all((ROOT / path).is_file() for path in each.docs), each.docs


@every_list
def test_no_requirement_is_answered_twice(name):
    ids = [identifier for each in read(name) for identifier in each.ids]
    assert len(ids) == len(set(ids))


def test_every_requirement_of_the_standard_is_answered():
    counts = tomllib.loads((FOLDER / "asvs.toml").read_text())["counts"]
    assert sum(counts.values()) == 253
    ids = [identifier for each in read("asvs") for identifier in each.ids]
    assert {chapter: sum(each.startswith(f"{chapter}.") for each in ids) for chapter in counts} == counts


def test_a_control_without_an_answer_cannot_be_written():
    with pytest.raises(ValueError, match="one of"):
        Control(("1.1.1",), "something")
    with pytest.raises(ValueError, match="one of"):
        Control(("1.1.1",), "something", tests=("tests/x.py",), open="half of it")


def test_the_pages_are_up_to_date(capsys):
    assert main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines() == [summary(name) for name in TITLES]
