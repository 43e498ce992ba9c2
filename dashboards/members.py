"""What people call a member of a dimension: stores, vendors and items by name, codes in plain words.

A label is what is shown; figures, files and addresses keep the code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from api.identity.principal import SignedIn
from api.identity.scope import Scope
from dashboards.reader import read_named, read_places

STORES, VENDORS = {"store", "to_store"}, {"vendor", "laboratory"}
AGES = {"age_band", "receivable_age"}
NOBODY = "(none)"
CODED = re.compile(r"[a-z0-9]+([_ ][a-z0-9]+)*|[A-Z]{4,}(_[A-Z]+)*|[A-Z]+(_[A-Z]+)+")
WORDS = {
    "emi": "EMI",
    "new_rx": "New prescription",
    "qc_failed": "Failed the quality check",
    "customer_changed_rx": "Prescription changed",
    "upi": "UPI",
}
# levels that are not called what their column is
LEVELS = {"sku": "item", "abc_class": "ABC class", "xyz_class": "XYZ class", "to_store": "receiving store"}


def spell(level: str) -> str:
    """A dimension's name as people write it: `remake reason`."""
    return LEVELS.get(level, level.replace("_", " "))


def name_members(level: str, codes: Iterable[object], snapshot_id: int, scope: Scope, user: SignedIn) -> list[str]:
    """The label of each code, in their order. A store outside of the scope, and a vendor to whom may not read them,
    keep the code."""
    listed = list(codes)
    names: Mapping[str, str] = {}
    if level in STORES:
        names = shorten(read_places(snapshot_id, scope)[0])
    elif level == "sku":
        names = read_named(snapshot_id, "item", [str(code) for code in listed if code is not None])
    elif level in VENDORS and user.grants.allows("vendor:read"):
        names = read_named(snapshot_id, "vendor", [str(code) for code in listed if code is not None])
    return [_label(level, code, names) for code in listed]


def shorten(names: Mapping[str, str]) -> dict[str, str]:
    """Names without the words that most of them share: `Drishva Pune Central` of a chain of such is `Pune`."""
    shares = Counter(word for name in names.values() for word in set(name.split()))
    common = {word for word, count in shares.items() if len(names) > 2 and count > len(names) / 2}
    return {code: " ".join(word for word in name.split() if word not in common) or name for code, name in names.items()}


def say_code(code: str) -> str:
    """A code in plain words: `OFFICE_SUPPLIES` is `Office supplies`; a name or number is left as it is."""
    if code in WORDS:
        return WORDS[code]
    if code[:1].isdigit() or "." in code or not CODED.fullmatch(code):
        return code
    return code.replace("_", " ").capitalize()


def _label(level: str, code: object, names: Mapping[str, str]) -> str:
    if code is None:
        return NOBODY
    text = str(code)
    if text in names:
        return f"{text} · {names[text]}"
    if level in AGES and any(letter.isdigit() for letter in text):
        return f"{text} days"
    return text if level in STORES | {"sku", "brand", "salesperson", "optometrist", "order_line"} else say_code(text)
