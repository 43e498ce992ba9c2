"""What a password must be: long, not the user's name, not one that everybody tries first (NIST SP 800-63B, 5.1.1)."""

from __future__ import annotations

SHORTEST = 12
LONGEST = 1024
# the long ones among the most used passwords of public lists, and what IMS itself suggests to a guesser
LISTED = """
    123456789012 1234567890123 12345678901234 123456789123 1234567891234 123123123123 111111111111 000000000000
    987654321012 112233445566 121212121212 qwertyuiop12 qwertyuiop123 qwertyuiopas qwertyuiopasdf qwerty123456
    1qaz2wsx3edc 1qaz2wsx3edc4rfv q1w2e3r4t5y6 1q2w3e4r5t6y 1q2w3e4r5t6y7u zaq12wsxcde3 asdfghjkl123 asdfghjklzxc
    abcdefghijkl abcdefghijklm abcd12345678 abc123456789 a1b2c3d4e5f6 password1234 password12345 password123456
    password2024 password2025 password2026 passwordpassword passw0rd1234 p@ssw0rd1234 p@ssword1234 password123!
    administrator administrator1 admin1234567 admin12345678 adminadminadmin welcome12345 welcome123456 welcome2026
    letmein12345 letmeinletmein iloveyou1234 iloveyouforever changeme1234 changemechangeme changeit1234 secretsecret
    trustno1trustno1 sunshine1234 princess1234 football1234 baseball1234 dragon123456 monkey123456 master123456
    superman1234 batman123456 michael12345 charlie12345 computer1234 internet1234 samsung12345 google123456
    india1234567 india@123456 mumbai123456 bengaluru123 optician1234 optometrist1 opticalstore spectacles12
    correcthorsebatterystaple
"""
COMMON = frozenset(LISTED.split())


def fault_of(password: str, username: str) -> str | None:
    """The rule that the password breaks, as a sentence; None for a good one.

    >>> fault_of("welcome12345", "asha")
    'This password is one of the first that anyone would try.'
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
    if folded in COMMON or len(set(folded)) < 4:
        return "This password is one of the first that anyone would try."
    return None
