"""The state of the code that a proof speaks of: every file that it reads, by content, whether committed or not.

Two commits that differ elsewhere have the same state for it, so evidence can be committed without undoing itself.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ims.failure import WrongInput
from ims.readiness.lines import Proof

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = re.compile(r"<!-- written by .*?<!-- end -->", re.DOTALL)


@dataclass(frozen=True)
class Code:
    """What each file holds, by its path from the root: git's name of the content."""

    files: Mapping[str, str]

    def of(self, proof: Proof) -> str:
        """A name for all that the proof reads: the same for the same content."""
        read = "\n".join(f"{path} {self.files[path]}" for path in sorted(self.files) if proof.reads(path))
        return hashlib.sha256(read.encode()).hexdigest()[:40]


def code_at(commit: str, root: Path | None = None) -> Code:
    """The code of a commit. Raises WrongInput where git does not have it."""
    files = dict[str, str]()
    for entry in git("ls-tree", "-r", "-z", commit, root=root).split("\0")[:-1]:
        kind, _, path = entry.partition("\t")
        files[path] = kind.split()[2]
    # what a command writes into a page between its marks says what was found, not what is so
    for path in [path for path in files if path.endswith(".md")]:
        files[path] = _name_page(git("cat-file", "blob", files[path], root=root))
    return Code(files)


def code_here(root: Path | None = None) -> Code:
    """The code as it lies here, with what is not committed yet. Raises WrongInput where there is no checkout."""
    files = dict(code_at("HEAD", root).files)
    for entry in git("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", root=root).split("\0")[
        :-1
    ]:
        path = entry[3:]
        at = (root or ROOT) / path
        if not at.is_file():
            files.pop(path, None)
            continue
        files[path] = _name_page(at.read_text(encoding="utf-8")) if path.endswith(".md") else _name(at.read_bytes())
    return Code(files)


def git(*words: str, root: Path | None = None) -> str:
    """What git says of the checkout. Raises WrongInput."""
    at = root or ROOT
    try:
        command = [shutil.which("git") or "git", "-C", str(at), *words]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise WrongInput(
            f"readiness speaks of a state of the code, and {at} is no git checkout that can be read ({said})."
        ) from None
    return found.stdout


def _name_page(text: str) -> str:
    return _name(WRITTEN.sub("", text).encode())


def _name(content: bytes) -> str:
    """As git names it, so that what is committed as it was keeps its name."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
