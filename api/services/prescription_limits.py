"""The limits of a prescription, checked member by member so that the answer names each fault and its place.

The same limits are constraints of the tables; a test compares the two over random values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from api.refusals import Fault

QUARTER = Decimal("0.25")
# member: least, most, step; None: any value the column holds
POWERS: dict[str, tuple[str, str]] = {"sph": ("-25", "25"), "cyl": ("-6", "6"), "add": ("0.75", "4")}
OF_SPECTACLES = ("pd_mm", "prism", "prism_base")
OF_CONTACT_LENSES = ("base_curve_mm", "diameter_mm")
RANGES: dict[str, tuple[str, str]] = {
    "axis": ("1", "180"),
    "pd_mm": ("20", "45"),
    "base_curve_mm": ("8.0", "9.5"),
    "diameter_mm": ("13.0", "15.0"),
}
PD_BOTH = ("40", "80")
PRISM_MOST = Decimal(20)


def find_faults(prescription: Mapping[str, Any]) -> list[Fault]:
    """Every fault of a prescription: `kind`, `source`, `pd_mm`, `eyes` by side, and what belongs to the source.

    Worked: a cylinder of -1.30 without an axis gives eyes.right.cyl (steps of 0.25) and eyes.right.axis (missing).
    """
    return list(_of_all(prescription))


def _of_all(given: Mapping[str, Any]) -> Iterator[Fault]:
    kind, is_tested = given["kind"], given["source"] == "tested_at_store"
    eyes = {side: eye for side, eye in given["eyes"].items() if eye is not None}
    if not eyes:
        yield Fault("eyes", "must hold the right eye, the left, or both")
    if is_tested and given.get("doctor_name") is not None:
        yield Fault("doctor_name", "is for a prescription from a doctor")
    if not is_tested and given.get("eye_test_id") is not None:
        yield Fault("eye_test_id", "is for a prescription tested in the store")
    if given.get("valid_until_on") is not None and given.get("validity_months") is not None:
        yield Fault("validity_months", "must be left out where valid_until_on is given")
    if given.get("pd_mm") is not None:
        if kind != "spectacle":
            yield Fault("pd_mm", "is for spectacles")
        yield from _range("pd_mm", given["pd_mm"], *PD_BOTH)
    for side, eye in eyes.items():
        yield from _of_eye(f"eyes.{side}", kind, eye)


def _of_eye(where: str, kind: str, eye: Mapping[str, Any]) -> Iterator[Fault]:
    powers = {name: eye.get(name) for name in POWERS}
    if all(power is None for power in powers.values()):
        yield Fault(where, "must hold a power: sph, cyl or add")
    for name, power in powers.items():
        if power is not None:
            yield from _range(f"{where}.{name}", power, *POWERS[name])
            if power % QUARTER != 0:
                yield Fault(f"{where}.{name}", "must lie on steps of 0.25")
    has_cylinder = bool(eye.get("cyl"))
    if has_cylinder and eye.get("axis") is None:
        yield Fault(f"{where}.axis", "must be given with a cylinder")
    if not has_cylinder and eye.get("axis") is not None:
        yield Fault(f"{where}.axis", "must be left out without a cylinder")
    for name, limits in RANGES.items():
        if eye.get(name) is not None:
            yield from _range(f"{where}.{name}", eye[name], *limits)
    yield from _prism(where, eye)
    foreign = OF_CONTACT_LENSES if kind == "spectacle" else OF_SPECTACLES
    for name in foreign:
        if eye.get(name) is not None:
            yield Fault(f"{where}.{name}", f"is not for {'spectacles' if kind == 'spectacle' else 'contact lenses'}")


def _prism(where: str, eye: Mapping[str, Any]) -> Iterator[Fault]:
    prism, base = eye.get("prism"), eye.get("prism_base")
    if prism is not None and not 0 < prism <= PRISM_MOST:
        yield Fault(f"{where}.prism", f"must be above 0 and at most {PRISM_MOST}")
    if prism is not None and base is None:
        yield Fault(f"{where}.prism_base", "must be given with a prism")
    if prism is None and base is not None:
        yield Fault(f"{where}.prism", "must be given with its base")


def _range(where: str, value: Decimal | int, least: str, most: str) -> Iterator[Fault]:
    if not Decimal(least) <= value <= Decimal(most):
        yield Fault(where, f"must lie between {least} and {most}")
