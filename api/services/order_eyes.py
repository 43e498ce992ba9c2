"""Whether a lens may be sold by the prescription its line names: valid, the patient's, and of the same power.

Spectacle lenses need one; contact lenses are exempt from the gate. Powers are compared as the optician reads them:
+1.00 -0.50 and +0.50 +0.50 are the same lens, and a single-vision lens may be made for near.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from api.refusals import Conflict, Fault
from api.services.action import Action, Row
from api.services.order_prices import Offer

READ = """
    SELECT r.prescription_id, r.patient_id, r.kind, r.valid_until_on, e.eye, coalesce(e.sph, 0) AS sph,
        coalesce(e.cyl, 0) AS cyl, e.add, EXISTS (
            SELECT FROM prescriptions AS newer WHERE newer.supersedes_id = r.prescription_id) AS is_superseded
    FROM prescriptions AS r LEFT JOIN prescription_eyes AS e USING (prescription_id)
    WHERE r.prescription_id = ANY(%(ids)s)"""
CELLS = """
    SELECT c.lens_cell_id, c.product_id, c.sph, c.cyl, c.add, y.kind
    FROM lens_cells AS c LEFT JOIN lens_lines AS y USING (product_id) WHERE c.lens_cell_id = ANY(%(ids)s)"""
# a lens of these kinds may also be made for near: the sphere with the addition in it
FOR_NEAR = frozenset({"SV", "READING", "OFFICE"})


async def check_prescriptions(
    action: Action, order: Row, lines: Sequence[Row], offers: Sequence[Offer], day: dt.date
) -> None:
    """Raises Conflict `prescription-needed`, `…-expired`, `…-of-another`, `…-superseded` or `…-does-not-match`."""
    named = [line["prescription_id"] for line in lines if line["prescription_id"] is not None]
    if not named and not any(offer.category_kind == "lens" for offer in offers):
        return
    eyes = await action.rows(READ, ids=named)
    cells = {
        row["lens_cell_id"]: row
        for row in await action.rows(CELLS, ids=[x["lens_cell_id"] for x in lines if x["lens_cell_id"]])
    }
    for number, (line, offer) in enumerate(zip(lines, offers, strict=True)):
        if line["prescription_id"] is None:
            if offer.category_kind == "lens":
                raise _refuse("prescription-needed", f"{offer.sku} is a lens: it is sold by a prescription", number)
            continue
        found = [row for row in eyes if row["prescription_id"] == line["prescription_id"]]
        if not found:
            raise _refuse("unknown-prescription", "There is no such prescription in your stores", number)
        _check_validity(order, found[0], offer, day, number)
        if offer.category_kind == "lens":
            _check_power(line, found, cells.get(line["lens_cell_id"]), offer, number)


def _check_validity(order: Row, prescription: Row, offer: Offer, day: dt.date, number: int) -> None:
    if prescription["patient_id"] != order["patient_id"]:
        raise _refuse("prescription-of-another", "The prescription is not of this order's patient", number)
    if offer.category_kind == "contact_lens":
        return
    if prescription["is_superseded"]:
        raise _refuse("prescription-superseded", "A newer version of this prescription exists", number)
    if prescription["valid_until_on"] < day:
        said = f"The prescription was valid until {prescription['valid_until_on']}; the eyes must be tested again"
        raise _refuse("prescription-expired", said, number)
    if offer.category_kind == "lens" and prescription["kind"] != "spectacle":
        raise _refuse("prescription-does-not-match", "Spectacle lenses need a prescription of spectacles", number)


def _check_power(line: Row, found: Sequence[Row], cell: Row | None, offer: Offer, number: int) -> None:
    eyes = [row for row in found if row["eye"] is not None and line["eye"] in (None, row["eye"])]
    if not eyes:
        raise _refuse("prescription-does-not-match", f"The prescription has no {line['eye'] or ''} eye", number)
    if cell is not None and not any(is_same_power(cell, eye) for eye in eyes):
        said = f"The power of this {offer.sku} is not the prescribed one"
        raise _refuse("prescription-does-not-match", said, number)


def is_same_power(cell: Row, eye: Row) -> bool:
    """Whether a lens of the cell's power does for the eye. Both have sph, cyl, add; the cell its lens's kind."""
    kind = cell["kind"]
    wanted = _minus_form(eye["sph"], eye["cyl"])
    made = _minus_form(cell["sph"], cell["cyl"])
    if kind is not None and kind not in FOR_NEAR:
        return made == wanted and cell["add"] == eye["add"]
    near = (wanted[0] + (eye["add"] or 0), wanted[1])
    return made in (wanted, near)


def _minus_form(sph: Decimal, cyl: Decimal) -> tuple[Decimal, Decimal]:
    return (sph + cyl, -cyl) if cyl > 0 else (sph, cyl)


def _refuse(code: str, said: str, number: int) -> Conflict:
    return Conflict(code, f"{said}.", Fault(f"lines.{number}.prescription_id", said))
