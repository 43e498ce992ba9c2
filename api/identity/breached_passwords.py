"""Passwords of breaches in a file of their SHA-1 hashes, as Have I Been Pwned gives them away: `HASH:COUNT`, by hash.

Searched where it lies: some 40 reads of a file of 40 GB, and no memory.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from ims.failure import WrongInput

HASH = 40  # hexadecimal digits
LINE = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?\r?\n")
LONGEST_LINE = 100


def is_breached(password: str, path: Path) -> bool:
    """Whether the file has the password. Raises OSError."""
    wanted = hashlib.sha1(password.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest().upper().encode()
    with path.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)  # what is wanted begins within, if at all
        while low < high:
            middle = (low + high) // 2
            if middle:
                file.seek(middle - 1)
                file.readline(LONGEST_LINE)
            else:
                file.seek(0)
            if file.tell() >= high:
                high = middle
                continue
            line = file.readline(LONGEST_LINE)
            found = line[:HASH].upper()
            if found == wanted:
                return True
            low, high = (file.tell(), high) if found < wanted else (low, middle)
    return False


def check_file(path: Path | None) -> None:
    """Raises WrongInput when the setting names a file that is none of hashes, by its first line."""
    if path is None:
        return
    try:
        with path.open("rb") as file:
            is_list = LINE.fullmatch(file.readline(LONGEST_LINE)) is not None
    except OSError as error:
        raise WrongInput(f"IMS_BREACHED_PASSWORDS_FILE: {path} cannot be read ({error.strerror}).") from None
    if not is_list:
        raise WrongInput(
            f"IMS_BREACHED_PASSWORDS_FILE: {path} holds no SHA-1 hashes, one a line as HASH:COUNT, in their order."
        )
