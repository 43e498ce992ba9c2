"""What is shown of a person to whoever may work with their records but not know who they are: decided here alone."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
TAIL = 3  # digits of a number that stay: enough to tell two customers apart at a counter


def show_customer_as(row: Row) -> Row:
    """The customer in full where the row says `is_open`, else masked: initials, and the end of the number.

    The code, the mail address, the tax registration and the city go: each may name the person.
    """
    row = dict(row)
    if row.pop("is_open"):
        return row
    return {
        "customer_id": row["customer_id"],
        "kind": row["kind"],
        "initials": initials(row["full_name"]),
        "mobile_ends_in": tail(row["mobile"]),
        "home_store_id": row["home_store_id"],
        "erased_at": row["erased_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "is_masked": True,
    }


def show_patient_as(row: Row) -> Row:
    """The patient in full where the row says `is_open`, else masked: initials, and no birthday."""
    row = dict(row)
    if row.pop("is_open"):
        return row
    return {
        "patient_id": row["patient_id"],
        "customer_id": row["customer_id"],
        "initials": initials(row["full_name"]),
        "erased_at": row["erased_at"],
        "updated_at": row["updated_at"],
        "is_masked": True,
    }


def initials(name: str | None) -> str | None:
    """The first letter of each word of a name, at most three.

    >>> initials("Asha Rani Menon")
    'A. R. M.'
    """
    words = [word for word in (name or "").split() if word[0].isalpha()]
    return " ".join(f"{word[0].upper()}." for word in words[:3]) or None


def tail(number: str | None) -> str | None:
    """The last digits of a number.

    >>> tail("+919876543210")
    '210'
    """
    return None if number is None else number[-TAIL:]
