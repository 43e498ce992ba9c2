"""The repository's evidence: kept by installations that may, and the ways to make it look better that are found out."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path

import pytest

from api.identity.keys import load_signer
from ims.failure import WrongInput
from ims.readiness import moment, page
from ims.readiness.code import code_here
from ims.readiness.evidence import Store
from ims.readiness.ledger import Ledger, _text
from ims.readiness.lines import PASSED, Line, Proof
from ims.readiness.moment import mark_moment, read_moment
from ims.settings import Settings

PROOF = Proof("T", "pytest tests/unit/test_a.py", measure=PASSED, at_least=1, unit="tests")
LINES = (Line(1, "code", "Tests", "pass", (PROOF,)), Line(2, "code", "Images", "lean", (), cloud="a builder"))


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that the installation of `settings` may sign in."""
    at = tmp_path / "checkout"
    (at / "docs" / "readiness").mkdir(parents=True)
    signer = _text(load_signer(settings, "readiness").public_key().public_bytes_raw())
    (at / "docs" / "readiness" / "signers").write_text(f"{signer} a machine\n")
    (at / "README.md").write_text(f"# A\n\n{page.BEGIN}\n{page.END}\n\nafter\n")
    git(at, "init", "-q")
    commit(at)
    for module in (page, moment):
        monkeypatch.setattr(module, "lines", lambda: LINES)
    return at


def commit(root: Path) -> None:
    git(root, "add", ".")
    git(root, "commit", "-qm", "one")


def ran(settings: Settings, root: Path, output: str = "12 passed", minute: int = 0, exit_code: int = 0) -> None:
    began = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1) + dt.timedelta(minutes=minute)
    Store(settings).append(
        output,
        command=PROOF.command,
        kind="T",
        began_at=began.isoformat(timespec="seconds"),
        seconds=1.0,
        exit_code=exit_code,
        value=PROOF.value_in(output),
        commit="abc",
        code=code_here(root).of(PROOF),
        machine={},
    )


def keep(settings: Settings, root: Path) -> int:
    count = Ledger(root).keep(settings, Store(settings))
    page.write(mark_moment(settings, root), root)
    commit(root)
    return count


def test_what_was_found_is_kept_once_of_each_command_its_last_and_page_and_table_are_made_of_it(settings, root):
    ran(settings, root, "9 failed", 1, exit_code=1)
    ran(settings, root, "rootdir: /tmp/clone\n12 passed", 2)
    assert keep(settings, root) == 1
    records, faults = Ledger(root).read()
    assert Ledger(root).output_of(records[0]).read_text() == "rootdir: …/clone\n12 passed"
    assert ([each.value for each in records], faults) == ([12], [])
    assert page.stale(root) == []
    assert "| code | 2 | 1 |  | 1 |" in (root / "README.md").read_text()
    assert "after" in (root / "README.md").read_text()
    assert "pytest tests/unit/test_a.py: 12 tests, 1 s" in (root / "docs" / "readiness.md").read_text()
    assert Ledger(root).keep(settings, Store(settings)) == 0
    ran(settings, root, "1 failed", 3, exit_code=1)
    assert keep(settings, root) == 1
    assert page.stale(root) == []
    assert "| code | 2 |  | 1 | 1 |" in (root / "README.md").read_text()


def test_a_page_speaks_of_its_moment_and_stays_as_the_code_goes_on(settings, root):
    ran(settings, root)
    keep(settings, root)
    (root / "code.py").write_text("new")
    commit(root)
    assert page.stale(root) == []
    page.write(mark_moment(settings, root), root)
    assert "| code | 2 |  | 1 | 1 |" in (root / "README.md").read_text()
    assert "the code has changed since" in (root / "docs" / "readiness.md").read_text()


def _edit(line: str) -> str:
    return json.dumps({**json.loads(line), "value": 99, "exit_code": 0}, sort_keys=True)


CHEATS = {
    "a value changed": lambda found: [found[0], _edit(found[1])],
    "one taken out before another": lambda found: found[1:],
    "put in another order": lambda found: found[::-1],
    "no record": lambda found: ["[]", *found[1:]],
    "signed by somebody else": lambda found: [found[0], json.dumps({**json.loads(found[1]), "signer": "AAAA"})],
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_record_edited_by_hand_is_found_and_nothing_from_it_on_counts(settings, root, cheat):
    ran(settings, root, "12 passed", 1)
    keep(settings, root)
    ran(settings, root, "1 failed", 2, exit_code=1)
    keep(settings, root)
    path = Ledger(root).path
    path.write_text("\n".join(CHEATS[cheat](path.read_text().splitlines())) + "\n")
    records, faults = Ledger(root).read()
    assert len(faults) == 1
    assert len(records) < 2
    assert any("evidence" in each for each in page.stale(root))


def test_a_failure_that_is_taken_away_is_found_in_the_history(settings, root):
    ran(settings, root, "12 passed", 1)
    keep(settings, root)
    before = Ledger(root).path.read_text()
    ran(settings, root, "1 failed", 2, exit_code=1)
    keep(settings, root)
    Ledger(root).path.write_text(before)
    page.write(mark_moment(settings, root), root)
    commit(root)
    assert Ledger(root).read()[1] == []
    assert len(page.stale(root)) == 1
    assert "taken away since" in page.stale(root)[0]


def test_output_that_was_changed_and_a_table_that_was_written_by_hand_are_found(settings, root):
    ran(settings, root)
    keep(settings, root)
    readme = root / "README.md"
    readme.write_text(readme.read_text().replace("| code | 2 | 1 |", "| code | 2 | 2 |"))
    assert page.stale(root) == ["README.md is out of date; run `python -m ims.readiness.page`"]
    page.write(read_moment(root), root)
    assert page.stale(root) == []
    (record,), _ = Ledger(root).read()
    Ledger(root).output_of(record).write_text("13 passed")
    assert "printed was tampered with" in page.stale(root)[0]


def test_an_installation_that_nobody_named_keeps_nothing(settings, root, tmp_path):
    other = Settings(home=tmp_path / "other")
    ran(other, root)
    with pytest.raises(WrongInput, match="does not name this installation"):
        keep(other, root)
    ran(settings, root)
    keep(settings, root)
    (root / "docs" / "readiness" / "signers").write_text("")
    assert "signed by nobody" in Ledger(root).read()[1][0]


def test_what_was_tampered_with_at_home_is_not_kept(settings, root):
    ran(settings, root, "9 failed", exit_code=1)
    path = Store(settings).path
    path.write_text(path.read_text().replace('"exit_code": 1', '"exit_code": 0'))
    with pytest.raises(WrongInput, match="tampered with"):
        keep(settings, root)


def test_a_moment_is_told_without_git_and_only_by_who_may(settings, root, tmp_path):
    ran(settings, root)
    keep(settings, root)
    marked = read_moment(root)
    assert marked.of(PROOF) == code_here(root).of(PROOF)
    path = root / "docs" / "readiness" / "moment.json"
    said = json.loads(path.read_text())
    for cheat in ({"states": {PROOF.command: "x"}}, {"at": "2027-01-01T00:00:00+00:00"}, {"signer": "AAAA"}):
        path.write_text(json.dumps({**said, **cheat}))
        with pytest.raises(WrongInput, match="tampered with"):
            page.stale(root)
    path.write_text("[]")
    with pytest.raises(WrongInput, match="tampered with"):
        read_moment(root)
    with pytest.raises(WrongInput, match="does not name this installation"):
        mark_moment(Settings(home=tmp_path / "other"), root)
