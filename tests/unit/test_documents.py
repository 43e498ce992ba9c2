"""What docs/ tells people: links lead somewhere, commands are there with these options, sums are right."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from api.services.audit_kinds import kinds
from ims.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
PEOPLE = (
    "incidents",
    "on-call",
    "training",
    "status-page",
    "cost",
    "troubleshooting",
    "runbooks",
    "operations",
    "deploying",
)
COMMANDS = typer.main.get_command(app)


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The places of a page that can be linked, as GitHub names them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"(https?|mailto):", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{page.name}: {target}"


def commands(page: Path) -> Iterator[list[str]]:
    """What the page tells people to type: indented lines and words in backquotes that begin with `ims`."""
    text = page.read_text()
    typed = re.findall(r"^ {4,}(ims .+)$", text, re.M) + re.findall(r"`(ims [^`]+)`", text)
    for line in typed:
        yield shlex.split(line.split("#")[0])[1:]


def resolve(words: list[str]) -> None:
    """Follow the words through the groups of `ims`. Raises LookupError for a command or an option that is not there."""
    command = COMMANDS
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        name, *words = words
        if name not in command.commands:
            raise LookupError(f"there is no command {name}")
        command = command.commands[name]
    known = {"--help"} | {
        option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
    }
    for word in words:
        if word.startswith("--") and word.split("=")[0] not in known:
            raise LookupError(f"{command.name} has no {word}")


@pytest.mark.parametrize("name", PEOPLE)
def test_every_command_is_there_with_these_options(name):
    page = ROOT / "docs" / f"{name}.md"
    for words in commands(page):
        resolve(words)
    for words in commands(page):
        if "--kind" in words:
            assert words[words.index("--kind") + 1] in {kind.name for kind in kinds().values()}
    targets = subprocess.run(
        ["make", "--print-data-base", "--question"], capture_output=True, text=True, cwd=ROOT
    ).stdout
    for target in re.findall(r"(?:`|^ {4,})make ([a-z-]+)", page.read_text(), re.M):
        assert f"\n{target}:" in targets, target
    for path in re.findall(r"(?<![\w/.])(?:deploy|tests)/[\w./-]*\w", page.read_text()):
        assert (ROOT / path).exists(), path


def test_a_command_that_is_not_there_is_found():
    with pytest.raises(LookupError, match="no command nonsense"):
        resolve(["publish", "nonsense"])
    with pytest.raises(LookupError, match="has no --nonsense"):
        resolve(["audit", "list", "--nonsense", "1"])


def test_the_sums_of_the_cost_sheet_are_right():
    text = (ROOT / "docs" / "cost.md").read_text()
    rows = re.findall(r"^\| ([^|*]+) \| ([\d][^|]*) \| (\d+) \|$", text, re.M)
    assert len(rows) > 10
    for part, arithmetic, month in rows:
        plain = re.sub(r"[A-Za-z ]", "", arithmetic).replace("×", "*")
        assert re.fullmatch(r"[\d.*+()]+", plain), arithmetic
        assert abs(eval(plain) - int(month)) <= 1, part
    (together,) = re.findall(r"\*\*together\*\* \| \| \*\*(\d+)\*\*", text)
    assert int(together) == sum(int(month) for *_, month in rows)
    said = (ROOT / "deploy" / "terraform" / "production.tfvars").read_text()
    assert re.search(r"budget_dollars = (\d+)", said)[1] == re.search(r"alarm stands at ([\d,]+)", text)[1].replace(
        ",", ""
    )


def test_saved_queries_ask_for_members_that_a_line_has():
    text = (ROOT / "docs" / "operations.md").read_text()
    block = text[text.index("Saved queries") : text.index("## Traces")]
    asked = set(re.findall(r"\b(at|level|logger|message|request_id|trace_id|[a-z_]+) (?:!=|=|>=|>) ", block))
    asked |= set(re.findall(r"\.(\w+)}}", block)) | set(re.findall(r"unwrap (\w+)", block))
    lines = "\n".join((ROOT / path).read_text() for path in ("api/services/logs.py", "ims/web.py"))
    lines += "\n".join(path.read_text() for path in (ROOT / "api" / "routes").glob("*.py"))
    for name in asked - {"app"}:
        assert f'"{name}"' in lines, name


def test_an_alarm_of_the_cloud_and_an_incident_name_what_there_is():
    incidents = (ROOT / "docs" / "incidents.md").read_text()
    for page in ("runbooks.md", "on-call.md", "drills.md"):
        assert f"]({page})" in incidents
    training = (ROOT / "docs" / "training.md").read_text()
    assert all(f"]({page})" in training for page in ("architecture.md", "operations.md", "troubleshooting.md"))
