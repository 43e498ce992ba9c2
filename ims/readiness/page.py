"""The page of all lines (docs/readiness.md) and the table in the README, made of the repository's evidence alone.

Both say how it stood at one commit and moment, which the page names: they change with the evidence and the lines, not
with each commit. `python -m ims.readiness.page` writes them, `--check` compares (exit code 1).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ims.failure import WrongInput
from ims.readiness.code import ROOT, git
from ims.readiness.ledger import Ledger
from ims.readiness.lines import lines
from ims.readiness.moment import Moment, read_moment
from ims.readiness.showing import as_markdown, group_table, summary
from ims.readiness.verdicts import Verdict, judge

PAGE, README = Path("docs/readiness.md"), Path("README.md")
BEGIN, END = "<!-- written by ims.readiness.page -->", "<!-- end -->"


def render(moment: Moment, root: Path) -> dict[Path, str]:
    """The text of both files, as of that moment."""
    records, faults = Ledger(root).read()
    verdicts = [judge(line, records, moment, moment.when) for line in lines()]
    when = f"As of {moment.when:%Y-%m-%d %H:%M} UTC, commit {moment.commit}: {summary(verdicts)}"
    before, _, rest = (root / README).read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    block = f"{BEGIN}\n{group_table(verdicts)}\n{when} [Every line, with what proves it]({PAGE}).\n{END}"
    return {PAGE: _page(when, verdicts, faults), README: f"{before}{block}{after}"}


def write(moment: Moment, root: Path | None = None) -> None:
    """Both files, as of that moment."""
    for path, text in render(moment, root or ROOT).items():
        ((root or ROOT) / path).write_text(text, encoding="utf-8")


def stale(root: Path) -> list[str]:
    """What is wrong with the files and the evidence that they are made of, in sentences."""
    moment = read_moment(root)
    if moment is None:
        return [f"{PAGE} speaks of no moment; run `ims readiness --keep`"]
    _, faults = Ledger(root).read()
    if git("rev-parse", "--is-shallow-repository", root=root).strip() == "false":
        faults += [f"evidence was taken away since {commit}" for commit in Ledger(root).rewritten()]
    changed = [str(path) for path, text in render(moment, root).items() if (root / path).read_text() != text]
    return faults + [f"{path} is out of date; run `python -m ims.readiness.page`" for path in changed]


def _page(when: str, verdicts: Sequence[Verdict], faults: Sequence[str]) -> str:
    wrong = "".join(f"**{fault}: what follows it counts for nothing.**\n\n" for fault in faults)
    return (
        "# Readiness\n\n"
        "What production needs, line by line (`ims/readiness/lines.toml`), and what proves each: a command that ran,\n"
        "when, on which code, and what it measured. Written by `python -m ims.readiness.page` from the evidence in\n"
        "[docs/readiness](readiness), which [drills.md](drills.md#evidence) describes; `ims readiness` says how the\n"
        f"code here stands.\n\n{wrong}{when}\n\n{as_markdown(verdicts)}"
    )


def main(arguments: list[str]) -> int:
    """Write the files as of the moment that they name, or compare them."""
    if "--check" in arguments:
        found = stale(ROOT)
        for each in found:
            print(each, file=sys.stderr)
        return 1 if found else 0
    moment = read_moment(ROOT)
    if moment is not None:
        write(moment)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except WrongInput as error:
        sys.exit(str(error))
