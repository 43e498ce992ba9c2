"""The lines of readiness and what proves each, read from `lines.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ims.failure import WrongInput

FILE = Path(__file__).parent / "lines.toml"
KINDS = {"T": "test", "B": "benchmark", "D": "drill", "S": "scan", "V": "validation", "P": "documents"}
PASSED = r"(\d+) passed"
EVIDENCE = "docs/readiness"  # the repository's evidence, and the page made of it
OF_THE_CODE = frozenset("TSVP")  # what these kinds say holds for the code they ran on, and no other


@dataclass(frozen=True)
class Proof:
    """A command that shows a line, or a part of it.

    `measure` is a pattern with one group, a number: its last match in what is printed is the value, which must lie
    within `at_most` or `at_least` (in `unit`s).
    """

    kind: str
    command: str
    measure: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""
    days: int = 30
    minutes: float = 10

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.command}: a proof is one of {', '.join(KINDS)}")
        if (self.measure is None) != (self.at_most is None and self.at_least is None):
            raise ValueError(f"{self.command}: what is measured has a limit, and a limit something measured")
        if self.measure is not None and re.compile(self.measure).groups != 1:
            raise ValueError(f"{self.command}: measure finds one number")

    def value_in(self, output: str) -> float | None:
        """The number measured; None where the output has none.

        >>> Proof("T", "pytest", measure=r"([0-9,]+) passed", at_least=1).value_in("1,204 passed in 3 s")
        1204.0
        """
        found = re.findall(self.measure, output) if self.measure else []
        return float(found[-1].replace(",", "")) if found else None

    def reads(self, path: str) -> bool:
        """Whether this file may change what the proof shows: each may, but evidence and tests that it does not run.

        >>> proof = Proof("T", "pytest tests/api/people tests/unit/test_deploy.py")
        >>> [proof.reads(f"tests/{name}.py") for name in ("unit/test_deploy", "unit/test_fields", "conftest")]
        [True, False, True]
        """
        if path.startswith(EVIDENCE):
            return False
        program, *words = self.command.split()
        if program != "pytest" or not path.startswith("tests/") or not path.rpartition("/")[2].startswith("test_"):
            return True
        return any(path == word or path.startswith(f"{word}/") for word in words)

    def is_within(self, value: float) -> bool:
        """Whether the value keeps the limit."""
        too_much = self.at_most is not None and value > self.at_most
        return not too_much and not (self.at_least is not None and value < self.at_least)


@dataclass(frozen=True)
class Line:
    """One line. `open` says what is not there yet, `cloud` what only an account in a cloud could run."""

    id: int
    group: str
    text: str
    target: str
    proofs: tuple[Proof, ...]
    open: str | None = None
    cloud: str | None = None

    def __post_init__(self) -> None:
        if not self.proofs and self.open is None and self.cloud is None:
            raise ValueError(f"line {self.id} has nothing that proves it, and says nothing of that")


@lru_cache(maxsize=1)
def lines() -> tuple[Line, ...]:
    """Every line, in order."""
    given = tomllib.loads(FILE.read_text(encoding="utf-8"))["line"]
    return tuple(_read(entry) for entry in given)


def select(wanted: str) -> tuple[Line, ...]:
    """The lines of a group, of numbers by comma, or of `all`. Raises WrongInput."""
    groups = tuple(dict.fromkeys(line.group for line in lines()))
    if wanted == "all":
        return lines()
    if wanted in groups:
        return tuple(line for line in lines() if line.group == wanted)
    known = {str(line.id): line for line in lines()}
    asked = [part.strip() for part in wanted.split(",")]
    if not set(asked) <= set(known):
        raise WrongInput(
            f"there is no group or line {wanted!r}; groups: {', '.join(groups)}, all; or lines by number: 1,16"
        )
    return tuple(known[number] for number in asked)


def _read(entry: dict[str, Any]) -> Line:
    proofs = tuple(_read_proof(proof) for proof in entry.pop("proof", ()))
    return Line(proofs=proofs, **entry)


def _read_proof(entry: dict[str, Any]) -> Proof:
    if "tests" in entry:
        entry = {"command": f"pytest {entry.pop('tests')}", "measure": PASSED, "at_least": 1, "unit": "tests", **entry}
    return Proof(**entry)
