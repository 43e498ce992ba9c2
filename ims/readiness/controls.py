"""Makes the pages of controls (docs/security) from their data, and says how many are shown.

`python -m ims.readiness.controls` writes them; with `--check` it only says whether they are up to date (exit code 1).
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "security"
TITLES = {
    "asvs": "OWASP ASVS 5.0, levels 1 and 2",
    "controls": "Controls by ISO 27001, SOX, PCI DSS and GDPR",
}


@dataclass(frozen=True)
class Control:
    """Some requirements and what shows them: files, or why they do not apply, or what is missing. `says` is ours.

    `cloud` says what is so in every form but the one in a cloud, which nobody has tried.
    """

    ids: tuple[str, ...]
    says: str
    tests: tuple[str, ...] = ()
    docs: tuple[str, ...] = ()
    without: str = ""
    open: str = ""
    cloud: str = ""

    def __post_init__(self) -> None:
        answers = [bool(self.tests or self.docs), bool(self.without), bool(self.open)]
        if sum(answers) != 1:
            raise ValueError(f"{', '.join(self.ids)}: one of tests and docs, without, open is said, and only one")
        if self.cloud and not self.tests:
            raise ValueError(f"{', '.join(self.ids)}: what is so everywhere but in a cloud is shown by tests")


def read(name: str) -> list[Control]:
    """The controls of a file, in its order."""
    items = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["item"]
    return [
        Control(
            ids=tuple(item["ids"]),
            says=item["says"],
            tests=tuple(item.get("tests", ())),
            docs=tuple(item.get("docs", ())),
            without=item.get("without", ""),
            open=item.get("open", ""),
            cloud=item.get("cloud", ""),
        )
        for item in items
    ]


def summary(name: str) -> str:
    """As `asvs: 241 of 253 requirements are shown or do not apply, 12 are open`."""
    controls = read(name)
    total, missing, elsewhere = (
        sum(len(each.ids) for each in controls if is_counted(each))
        for is_counted in (lambda _: True, lambda each: each.open, lambda each: each.cloud)
    )
    words = f"{name}: {total - missing} of {total} requirements are shown or do not apply, {missing} are open"
    return f"{words}; {elsewhere} of them not in a cloud yet" if elsewhere else words


def render(name: str) -> str:
    """The page: a table of every control, in the order of the file."""
    lines = [
        f"# {TITLES[name]}",
        "",
        f"Generated from `{name}.toml` by `python -m ims.readiness.controls`. The words are ours.",
        f"{summary(name).split(': ')[1].capitalize()}.",
        "",
        "| requirement | what IMS does | shown by |",
        "|---|---|---|",
    ]
    for each in read(name):
        shown = ", ".join(f"[{Path(path).name}](../../{path})" for path in (*each.tests, *each.docs))
        answer = shown or (f"not applicable: {each.without}" if each.without else f"**open**: {each.open}")
        answer += f"; **not on AWS**: {each.cloud}" if each.cloud else ""
        lines.append(f"| {', '.join(each.ids)} | {each.says} | {answer} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; prints the summaries."""
    stale = []
    for name in TITLES:
        path, page = FOLDER / f"{name}.md", render(name)
        if "--check" not in arguments:
            path.write_text(page, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != page:
            stale.append(f"docs/security/{name}.md")
        print(summary(name))
    if stale:
        print(f"{', '.join(stale)}: out of date; run `python -m ims.readiness.controls`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
