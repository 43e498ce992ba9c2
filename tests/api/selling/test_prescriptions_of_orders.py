"""Lenses are sold by a prescription: valid, unexpired, the patient's own, of the power that is sold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from api.services.order_eyes import is_same_power


def code(answer) -> str:
    return answer.json()["type"].removeprefix("urn:ims:problem:")


class Clinic:
    """A customer with two patients, and a lens in some powers."""

    def __init__(self, shop) -> None:
        self.shop = shop
        self.customer = shop.add(
            "customers", customer_code=f"C{shop.number}", full_name="A name", home_store_id=shop.store_id
        )
        self.patient, self.child = (
            shop.add("patients", customer_id=self.customer, full_name=name) for name in ("One", "Two")
        )
        self.lens = shop.product("500", category=shop.make_category("lens"))
        shop.add(
            "lens_lines", product_id=self.lens, refractive_index="1.56", material="CR39", kind="SV", sph_from=-6,
            sph_to=6, cyl_from=-2, cyl_to=0,
        )  # fmt: skip
        self.cell = self.stock("-2.00", "-0.50")
        self.other_cell = self.stock("-3.00", "0")

    def stock(self, sph: str, cyl: str) -> int:
        cell = self.shop.add("lens_cells", product_id=self.lens, sph=sph, cyl=cyl)
        self.shop.put(self.lens, 4, cell=cell)
        return cell

    def prescribe(self, patient: int, days: int = 365, kind: str = "spectacle", sph: str = "-2.00") -> int:
        today = dt.date.today()
        number = f"RX{self.shop.number}-{patient}-{days}-{kind}-{sph}"
        key = self.shop.add(
            "prescriptions", prescription_number=number, patient_id=patient, store_id=self.shop.store_id,
            source="from_doctor", kind=kind, prescribed_on=today - dt.timedelta(days=400),
            valid_until_on=today + dt.timedelta(days=days),
        )  # fmt: skip
        for eye in ("right", "left"):
            self.shop.add("prescription_eyes", prescription_id=key, kind=kind, eye=eye, sph=sph, cyl="-0.50", axis=90)
        return key

    def confirm(self, *lines, **terms):
        order = self.shop.draft(*lines, **{"customer_id": self.customer, "patient_id": self.patient, **terms})
        return self.shop.step(order, "confirm")


@pytest.fixture
def clinic(shop) -> Clinic:
    return Clinic(shop)


def test_a_pair_by_a_valid_prescription_goes_from_its_cells_to_the_customer(shop, clinic: Clinic) -> None:
    rx = clinic.prescribe(clinic.patient)
    frame = shop.product("1000", stock=1)
    power = {"sph": "-2.00", "cyl": "-0.50"}
    lines = [{"product_id": frame, "pair_group": 1}] + [
        {"product_id": clinic.lens, "power": power, "prescription_id": rx, "pair_group": 1, "eye": eye}
        for eye in ("right", "left")
    ]
    confirmed = clinic.confirm(*lines)
    assert confirmed.status_code == 200, confirmed.text
    order = confirmed.json()
    assert (order["kind"], {line["pair_group"] for line in order["lines"]}) == ("prescription", {1})
    assert [line.get("lens_cell_id") for line in order["lines"]] == [None, clinic.cell, clinic.cell]
    assert shop.level(clinic.lens) == (8, 2)
    assert shop.pay(order).status_code == 201
    assert code(shop.step(order, "deliver")) == "not-ready"
    assert shop.step(order, "process").status_code == 200
    assert shop.step(order, "ready").status_code == 200
    assert shop.step(order, "deliver").status_code == 200
    assert shop.level(clinic.lens) == (6, 0)


@pytest.mark.parametrize(
    ("why", "made"),
    [
        ("prescription-needed", lambda c: {"lens_cell_id": c.cell}),
        ("prescription-expired", lambda c: {"lens_cell_id": c.cell, "prescription_id": c.prescribe(c.patient, -1)}),
        ("prescription-of-another", lambda c: {"lens_cell_id": c.cell, "prescription_id": c.prescribe(c.child)}),
        (
            "prescription-does-not-match",
            lambda c: {"lens_cell_id": c.other_cell, "prescription_id": c.prescribe(c.patient)},
        ),
        (
            "prescription-does-not-match",
            lambda c: {"lens_cell_id": c.cell, "prescription_id": c.prescribe(c.patient, kind="contact_lens")},
        ),
    ],
)
def test_a_lens_without_a_fitting_prescription_is_not_sold(shop, clinic: Clinic, why: str, made) -> None:
    answer = clinic.confirm({"product_id": clinic.lens, **made(clinic)})
    assert (answer.status_code, code(answer)) == (409, why)
    assert answer.json()["faults"][0]["where"] == "lines.0.prescription_id"
    assert shop.level(clinic.lens) == (8, 0)


def test_a_prescription_that_was_replaced_is_not_used(shop, clinic: Clinic) -> None:
    old = clinic.prescribe(clinic.patient)
    shop.add(
        "prescriptions", prescription_number=f"RX{shop.number}-{clinic.patient}-365-spectacle--2.00", version=2,
        supersedes_id=old, patient_id=clinic.patient, store_id=shop.store_id, source="from_doctor", kind="spectacle",
        prescribed_on="2024-01-01", valid_until_on="2090-01-01",
    )  # fmt: skip
    answer = clinic.confirm({"product_id": clinic.lens, "lens_cell_id": clinic.cell, "prescription_id": old})
    assert code(answer) == "prescription-superseded"


def test_contact_lenses_are_exempt(shop, clinic: Clinic) -> None:
    box = shop.product("900", stock=2, category=shop.make_category("contact_lens"))
    assert clinic.confirm({"product_id": box}).status_code == 200
    expired = clinic.prescribe(clinic.patient, -30, "contact_lens")
    assert clinic.confirm({"product_id": box, "prescription_id": expired}).status_code == 200


def test_a_lens_without_a_cell_is_made_to_order_and_moves_no_stock(shop, clinic: Clinic) -> None:
    rx = clinic.prescribe(clinic.patient, sph="-9.00")
    answer = clinic.confirm({"product_id": clinic.lens, "prescription_id": rx, "eye": "left"})
    assert answer.status_code == 200, answer.text
    assert shop.level(clinic.lens) == (8, 0)
    power = {"sph": "-9.00", "cyl": "-0.50"}
    body = {"store_id": shop.store_id, "lines": [{"product_id": clinic.lens, "power": power}]}
    assert code(shop.post("/orders", body)) == "no-such-power"


def test_a_patient_is_of_the_customers_household_and_both_are_in_sight(shop, clinic: Clinic) -> None:
    stranger = shop.add("customers", customer_code=f"D{shop.number}", full_name="B", home_store_id=shop.store_id)
    body = {"store_id": shop.store_id, "customer_id": stranger, "patient_id": clinic.patient}
    assert code(shop.post("/orders", body)) == "patient-of-another"
    assert code(shop.post("/orders", {"store_id": shop.store_id, "patient_id": clinic.patient})) == (
        "patient-without-customer"
    )
    elsewhere = shop.add("stores", store_code=f"Z{shop.number}", name="Another")
    hidden = shop.add("customers", customer_code=f"E{shop.number}", full_name="C", home_store_id=elsewhere)
    answer = shop.post("/orders", {"store_id": shop.store_id, "customer_id": hidden})
    assert (answer.status_code, code(answer)) == (403, "store-out-of-scope")
    assert shop.rows("SELECT 1 FROM sales_orders WHERE customer_id = %s", hidden) == []


def test_the_same_power_written_two_ways_is_the_same_lens() -> None:
    def power(sph: str, cyl: str, add: str | None = None, kind: str | None = "SV"):
        return {"sph": Decimal(sph), "cyl": Decimal(cyl), "add": add and Decimal(add), "kind": kind}

    assert is_same_power(power("1.00", "-0.50"), power("0.50", "0.50"))
    assert not is_same_power(power("1.00", "-0.50"), power("1.00", "0.50"))
    assert is_same_power(power("3.00", "0"), power("1.00", "0", "2.00"))
    assert not is_same_power(power("3.00", "0", "2.00", "PROGRESSIVE"), power("1.00", "0", "2.00"))
    assert is_same_power(power("1.00", "0", "2.00", "PROGRESSIVE"), power("1.00", "0", "2.00"))
    assert not is_same_power(power("1.00", "0", "2.00", "PROGRESSIVE"), power("1.00", "0", "2.25"))
