"""Readiness in the browser: the verdicts of the evidence store, and what it says where there is no evidence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from api.identity.policy import roles
from dashboards.proof import reading
from ims.readiness import ledger
from ims.readiness.evidence import Store
from ims.readiness.lines import lines
from tests.dashboards.tiles import values_on

LINE = next(line for line in lines() if line.id == 4)
PROOF = LINE.proofs[0]
MAY_SEE = {"superadmin", "admin", "analyst"}


def ran(settings, **other: object) -> None:
    given = {"exit_code": 0, "code": "tree", "began_at": dt.datetime.now(dt.UTC).isoformat(), "value": 12.0}
    given |= {"command": PROOF.command, "kind": PROOF.kind, "seconds": 3.0, "commit": "abc123", "machine": {}, **other}
    Store(settings).append("12 passed in 3 s", **given)


class Tree:
    """The state of the code that the evidence is of."""

    def of(self, _: object) -> str:
        return "tree"


@pytest.fixture(autouse=True)
def _no_evidence_of_the_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ledger, "ROOT", tmp_path)


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code here is the tree that the evidence is of."""
    monkeypatch.setattr(reading, "code_here", Tree)


def test_without_evidence_it_says_which_command_writes_it(installation, site) -> None:
    site.sign_in(installation)
    page = site.open_view(installation, "Readiness")
    assert not page.exception
    words = site.words(page)
    assert "No evidence yet" in words
    assert "`ims readiness --run" in words
    assert values_on(page)["Met"] == "0"
    assert len(page.dataframe[0].value) == len(lines())


def test_a_line_is_met_by_its_evidence_and_shows_what_the_command_printed(installation, site, code) -> None:
    ran(installation.settings)
    site.sign_in(installation, "admin")
    page = site.open_view(installation, "Readiness", verdict="met")
    assert not page.exception
    assert page.dataframe[0].value["id"].to_list() == [4]
    assert page.dataframe[1].value["value"].to_list() == [12.0]
    assert page.code[0].value == "12 passed in 3 s"
    assert "Not yet" in page.warning[0].value


def test_what_was_proved_of_other_code_is_stale_and_an_installed_copy_says_so(installation, site, monkeypatch) -> None:
    ran(installation.settings)

    def no_checkout() -> str:
        raise reading.WrongInput("no git")

    monkeypatch.setattr(reading, "code_here", no_checkout)
    site.sign_in(installation, "analyst")
    page = site.open_view(installation, "Readiness", group="code")
    assert not page.exception
    verdicts = dict(page.dataframe[0].value[["id", "verdict"]].itertuples(index=False))
    assert verdicts[4] == "~ Stale"
    assert "installed copy" in site.words(page)


def test_evidence_that_was_changed_by_hand_is_said_to_be(installation, site, code) -> None:
    ran(installation.settings)
    path = Store(installation.settings).path
    path.write_text(path.read_text().replace('"exit_code": 0', '"exit_code": 1'))
    site.sign_in(installation)
    page = site.open_view(installation, "Readiness")
    assert "tampered with" in page.error[0].value
    assert values_on(page)["Met"] == "0"


def test_only_who_looks_after_the_pipeline_sees_it(installation, site) -> None:
    for role in roles():
        site.sign_in(installation, role)
        page = site.open_view(installation, "Readiness")
        assert not page.exception
        assert bool(page.dataframe) == (role in MAY_SEE), role
