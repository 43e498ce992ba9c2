"""Readiness: what is met by evidence, and the ways to be met without it that are found out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from ims.failure import WrongInput
from ims.readiness import code, running
from ims.readiness.code import code_at, code_here
from ims.readiness.evidence import Store
from ims.readiness.lines import Line, Proof, lines, select
from ims.readiness.running import proofs_of, run
from ims.readiness.showing import as_html, as_json, as_markdown, summary
from ims.readiness.verdicts import State, is_shown, judge
from ims.settings import Settings

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
TEST = Proof("T", "echo 12 passed", measure=r"(\d+) passed", at_least=10, unit="tests")
DRILL = Proof("D", "echo back after 4.5 s", measure=r"after ([\d.]+) s", at_most=30, unit="s", days=7)
LINE = Line(1, "code", "Tests | drills", "pass", (TEST, DRILL))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Settings(home=tmp_path))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of one commit, which the proofs run in."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "code.py").write_text("1")
    git = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(code, "ROOT", root)
    return root


def ran(store: Store, proof: Proof, output: str, **other: object) -> None:
    given = {"exit_code": 0, "code": "tree", "began_at": NOW.isoformat(), "value": proof.value_in(output)}
    given |= {"command": proof.command, "kind": proof.kind, "seconds": 1.0, "commit": "abc", "machine": {}, **other}
    store.append(output, **given)


@dataclasses.dataclass(frozen=True)
class Tree:
    """A state of the code that is the same for every proof."""

    name: str = "tree"

    def of(self, _: Proof) -> str:
        return self.name


def state(store: Store, line: Line = LINE, code: State | None = Tree(), now: dt.datetime = NOW) -> str:
    return judge(line, store.read()[0], code, now).state


def test_without_evidence_no_line_is_met():
    assert [line.id for line in lines()] == list(range(1, 45))
    for line in lines():
        verdict = judge(line, [], Tree(), NOW)
        assert verdict.state == ("cloud" if line.cloud and not line.open and not line.proofs else "not run")
        assert verdict.because


def test_each_command_of_a_line_is_there():
    root = code.ROOT
    targets = (root / "Makefile").read_text() + (root / "deploy" / "release.mk").read_text()
    for proof in proofs_of(lines()):
        program, *words = shlex.split(proof.command)
        assert program in {"make", "pytest", "ims", "bandit"} or (root / program).exists(), proof.command
        assert all((root / word).exists() for word in words if word.startswith("tests/")), proof.command
        assert program != "make" or f"\n{words[0]}:" in targets, proof.command


def test_a_command_that_shows_several_lines_is_held_to_one_measure():
    run_once = {proof.command: proof for proof in proofs_of(lines())}
    for line in lines():
        for proof in line.proofs:
            assert proof.measure == run_once[proof.command].measure, f"{line.id}: {proof.command}"


def test_a_line_is_met_when_all_of_its_proofs_are(store):
    ran(store, TEST, "12 passed")
    assert state(store) == "not run"
    assert [is_shown(each, store.read()[0], Tree(), NOW) for each in (TEST, DRILL)] == [True, False]
    ran(store, DRILL, "back after 4.5 s")
    assert state(store) == "met"
    assert state(store, dataclasses.replace(LINE, open="half of it")) == "not run"
    assert state(store, dataclasses.replace(LINE, cloud="a cloud")) == "cloud"


@pytest.mark.parametrize(
    ("output", "other", "expected"),
    [
        ("9 passed", {}, "failed"),
        ("12 passed", {"exit_code": 1}, "failed"),
        ("nothing to run", {}, "not run"),
        ("12 passed", {"code": "another tree"}, "stale"),
        ("12 passed", {"began_at": "2026-09-01T00:00:00+00:00"}, "stale"),
        ("12 passed", {"command": "echo 12 passed # of something else"}, "not run"),
    ],
)
def test_evidence_that_does_not_show_the_line_counts_for_nothing(store, output, other, expected):
    ran(store, DRILL, "back after 4.5 s")
    ran(store, TEST, output, **other)
    assert state(store) == expected


def test_the_newest_run_counts_and_drills_outlive_the_code_for_their_days(store):
    only = dataclasses.replace(LINE, proofs=(DRILL,))
    ran(store, DRILL, "back after 31 s")
    assert state(store, only) == "failed"
    ran(store, DRILL, "back after 4.5 s")
    assert state(store, only, code=Tree("another")) == "met"
    assert state(store, only, now=NOW + dt.timedelta(days=8)) == "stale"


def _edit(line: str) -> str:
    return json.dumps({**json.loads(line), "value": 99, "exit_code": 0})


CHEATS = {
    "changed": lambda found: [_edit(found[0]), *found[1:]],
    "removed": lambda found: found[1:],
    "the last one removed": lambda found: found[:-1],
    "all removed": lambda found: [],
    "put elsewhere": lambda found: [found[1], found[0], *found[2:]],
    "repeated": lambda found: [found[0], *found],
    "made up": lambda found: [json.dumps({**json.loads(found[0]), "seal": "x"}), *found[1:]],
    "no record": lambda found: ["[]", *found[1:]],
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_record_edited_by_hand_is_found_and_nothing_after_it_counts(store, cheat):
    ran(store, TEST, "9 passed", exit_code=1)
    ran(store, TEST, "12 passed")
    ran(store, DRILL, "back after 4.5 s")
    assert state(store) == "met"
    store.path.write_text("\n".join(CHEATS[cheat](store.path.read_text().splitlines())) + "\n")
    records, faults = store.read()
    assert len(faults) == 1
    assert len(records) < 2
    assert state(store) != "met"


def test_a_failure_is_not_undone_by_taking_it_away(store):
    ran(store, DRILL, "back after 4.5 s")
    ran(store, TEST, "12 passed")
    before = store.path.read_text()
    ran(store, TEST, "9 passed")
    store.path.write_text(before)
    assert store.read()[1]
    assert state(store) == "not run"
    store.path.unlink()
    store.head.unlink()
    assert store.read() == ([], [])


def test_a_head_that_a_crash_left_behind_is_no_tampering(store):
    ran(store, DRILL, "back after 4.5 s")
    before = store.head.read_bytes()
    ran(store, TEST, "12 passed")
    store.head.write_bytes(before)
    assert state(store) == "met"
    ran(store, TEST, "12 passed")
    assert state(store) == "met"


def test_a_record_that_a_crash_cut_off_is_none(store):
    ran(store, DRILL, "back after 4.5 s")
    with store.path.open("a") as file:
        file.write('{"command": "ec')
    assert state(store) == "not run"
    ran(store, TEST, "12 passed")
    assert state(store) == "met"


def test_evidence_of_another_installation_or_with_other_output_counts_for_nothing(store, tmp_path):
    ran(store, TEST, "12 passed")
    other = Store(Settings(home=tmp_path / "other"))
    other.folder.mkdir(parents=True)
    other.path.write_text(store.path.read_text())
    assert len(other.read()[1]) == 1
    other.head.write_bytes(store.head.read_bytes())
    assert len(other.read()[1]) == 1
    store.output_of(store.read()[0][0]).write_text("13 passed")
    assert store.read() == ([], [f"what record 1 of {store.path} printed was tampered with or removed"])


def test_a_proof_is_run_and_kept_with_what_it_printed(store, checkout):
    evidence = run(TEST, store)
    assert (evidence.exit_code, evidence.value, evidence.code) == (0, 12, code_here().of(TEST))
    assert store.output_of(evidence).read_text() == "12 passed\n"
    run(DRILL, store)
    assert state(store, code=code_here(), now=dt.datetime.now(dt.UTC)) == "met"
    (checkout / "code.py").write_text("2")
    assert state(store, code=code_here(), now=dt.datetime.now(dt.UTC)) == "stale"
    assert state(store, code=None, now=dt.datetime.now(dt.UTC)) == "stale"


def test_code_that_changes_while_a_proof_runs_is_no_state_that_it_was_proved_of(store, checkout):
    changing = Proof("T", "sh -c 'echo 2 > code.py; echo 12 passed'", measure=r"(\d+) passed", at_least=10)
    assert run(changing, store).code == running.CHANGED


def test_the_state_of_the_code_is_told_by_content_and_by_what_a_proof_reads(checkout):
    before, proof = code_here(), Proof("T", "pytest tests/unit/test_a.py")
    assert before.of(proof) == code_at("HEAD").of(proof)
    for path, is_read in (
        ("docs/readiness/records.jsonl", False),
        ("docs/readiness.md", False),
        ("tests/unit/test_b.py", False),
        ("tests/unit/test_a.py", True),
        ("tests/conftest.py", True),
        ("docs/runbooks.md", True),
    ):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text("new")
        assert (code_here().of(proof) != before.of(proof)) is is_read, path
        (checkout / path).unlink()
    assert code_here().of(proof) == before.of(proof)


def test_what_a_command_writes_into_a_page_is_not_of_the_code(checkout):
    page = checkout / "README.md"
    page.write_text("one <!-- written by x -->1<!-- end -->")
    first = code_here().of(TEST)
    git = ["git", "-C", str(checkout), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["add", "."], ["commit", "-qm", "two"]):
        subprocess.run([*git, *words], check=True)
    page.write_text("one <!-- written by x -->2<!-- end -->")
    assert code_here().of(TEST) == first == code_at("HEAD").of(TEST)
    page.write_text("two <!-- written by x -->2<!-- end -->")
    assert code_here().of(TEST) != first


def test_drills_that_run_together_share_a_world_that_ends_with_them(store, checkout, monkeypatch):
    monkeypatch.delenv(running.WORLD, raising=False)
    with running.one_world():
        evidence = run(Proof("D", "printenv IMS_DRILLS_WORLD"), store)
        said = Path(store.output_of(evidence).read_text().strip())
        assert said.is_dir()
    assert not said.exists()
    assert running.WORLD not in os.environ
    monkeypatch.setenv(running.WORLD, "/kept")
    with running.one_world():
        assert os.environ[running.WORLD] == "/kept"


def test_a_proof_that_does_not_end_is_stopped_and_has_failed(store, checkout, monkeypatch):
    monkeypatch.setattr(running, "GRACE_SECONDS", 0.5)  # where pytest's own processes ignore SIGTERM, theirs do
    slow = Proof("D", "sleep 600", minutes=0.005)
    assert run(slow, store).exit_code == 124
    assert state(store, dataclasses.replace(LINE, proofs=(slow,)), now=dt.datetime.now(dt.UTC)) == "failed"


def test_lines_are_chosen_by_group_or_number():
    assert [line.id for line in select("code")] == [1, 2, 3, 4, 5]
    assert [line.id for line in select("16, 1")] == [16, 1]
    assert select("all") == lines()
    with pytest.raises(WrongInput, match="groups: code, containers"):
        select("speed")


def test_verdicts_are_shown_as_table_json_and_page(store):
    ran(store, TEST, "12 passed", commit="<b>")
    verdicts = [judge(LINE, store.read()[0], Tree(), NOW)]
    assert summary(verdicts) == "1 lines: 1 not run."
    assert json.loads(as_json(verdicts, []))["lines"][0]["evidence"][0]["value"] == 12
    assert "Tests \\| drills" in as_markdown(verdicts)
    assert "<b>" not in as_html(verdicts, ["<b>"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "X", "command": "true"},
        {"kind": "T", "command": "true", "measure": r"(\d+)"},
        {"kind": "T", "command": "true", "at_least": 1},
        {"kind": "T", "command": "true", "measure": r"\d+", "at_least": 1},
    ],
)
def test_a_proof_that_says_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="true: "):
        Proof(**wrong)
