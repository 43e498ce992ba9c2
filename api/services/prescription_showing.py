"""How a prescription is shown: with its eyes; in full, or with a pseudonym in place of whose it is."""

from __future__ import annotations

from typing import Any

from api.services.action import Action, Row
from api.services.customers import is_near
from api.services.privacy_pseudonyms import pseudonym

EYE = (
    "eye", "sph", "cyl", "axis", "add", "pd_mm", "prism", "prism_base", "visual_acuity", "base_curve_mm",
    "diameter_mm",
)  # fmt: skip
# with the version that replaced it, and whether the parameter `read` (stores) opens it; the store that recorded it
# keeps it when the customer has gone elsewhere and is no longer seen
SELECT = f"""
    SELECT p.prescription_id, p.prescription_number, p.version, p.supersedes_id, n.prescription_id AS superseded_by_id,
           p.patient_id, p.store_id, p.eye_test_id, p.source, p.kind, p.optometrist_id, p.doctor_name,
           p.prescribed_on, p.valid_until_on, p.pd_mm, p.created_by, p.created_at,
           o.full_name AS patient_name, o.born_on, o.customer_id, o.erased_at,
           (p.store_id = ANY(%(read)s::bigint[]) OR {is_near("read")}) AS is_open
      FROM prescriptions AS p
      LEFT JOIN patients AS o ON o.patient_id = p.patient_id
      LEFT JOIN customers AS c ON c.customer_id = o.customer_id
      LEFT JOIN prescriptions AS n ON n.supersedes_id = p.prescription_id
"""
NAMES = ("patient_name", "born_on")
# who made it in a small store says as much as a name
OF_A_PERSON = ("patient_id", "customer_id", "doctor_name", "optometrist_id", "created_by", "eye_test_id")
SIDES: tuple[str, ...] = ("right", "left")


async def with_eyes(action: Action, rows: list[Row]) -> list[Row]:
    """The prescriptions with `eyes`: side → powers."""
    eyes = await action.rows(
        f"SELECT prescription_id, {', '.join(EYE)} FROM prescription_eyes WHERE prescription_id = ANY(%(keys)s)",
        keys=[row["prescription_id"] for row in rows],
    )
    by_key: dict[int, dict[str, Any]] = {}
    for eye in eyes:
        by_key.setdefault(eye.pop("prescription_id"), {})[eye.pop("eye")] = eye
    return [
        {**row, "eyes": {side: each for side in SIDES if (each := by_key.get(row["prescription_id"], {}).get(side))}}
        for row in rows
    ]


def show_as(row: Row, *, is_named: bool = False) -> Row:
    """In full where the row says `is_open`, with the patient's name and birthday only when `is_named`; else masked."""
    row = dict(row)
    is_open = row.pop("is_open")
    if not is_named:
        row = {name: value for name, value in row.items() if name not in NAMES}
    if is_open:
        return row
    kept = {name: value for name, value in row.items() if name not in OF_A_PERSON}
    return {**kept, "patient_pseudonym": pseudonym("patient_id", str(row["patient_id"])), "is_masked": True}
