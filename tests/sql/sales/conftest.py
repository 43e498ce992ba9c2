"""An optician in India as of Wednesday 15 May 2024: store A, one product of each kind, and customers as they come."""

from __future__ import annotations

from typing import Any

import pytest

KINDS = {"frame": "f", "lens": "l", "contact_lens": "box", "solution": "s", "accessory": "case"}


class Trade:
    """Adds orders, returns and visits to a raw chain by business key; `chain` builds and reads them."""

    def __init__(self, chain: Any) -> None:
        self.chain = chain
        self.people: dict[str, int] = {}

    def person(self, code: str, mobile: str | None = None, **given: Any) -> int:
        """A customer and, of the same key, the one patient of the household; known from the first time on."""
        if code not in self.people:
            key = self.people[code] = self.chain.add("customers", customer_code=code, mobile=mobile)
            self.chain.add("patients", patient_id=key, customer_id=key, **given)
        return self.people[code]

    def user(self, name: str) -> int:
        if ("user", name) not in self.chain.ids:
            self.chain.ids[("user", name)] = self.chain.add("users", username=name)
        return int(self.chain.ids[("user", name)])

    def order(
        self,
        confirmed_at: str | None,
        *lines: dict[str, Any],
        customer: str | None = "C",
        store: str = "A",
        seller: str | None = None,
        **given: Any,
    ) -> tuple[int, list[int]]:
        """An order and its lines; an order of no lines has one frame of 1000. The keys of both."""
        person = None if customer is None else self.person(customer)
        number = self.chain.ids.get(("next", "sales_orders"), 0)
        order = self.chain.add(
            "sales_orders", order_ref=f"O{number}", store_id=self.chain.key("store", store), customer_id=person,
            patient_id=person, confirmed_at=confirmed_at, salesperson_id=seller and self.user(seller), **given,
        )  # fmt: skip
        keys = []
        for place, line in enumerate(lines or ({},)):
            values = {
                "sku": "f",
                "quantity": 1,
                "net_amount": 1000,
                "sold_on": (confirmed_at or "2024-05-01")[:10],
                **line,
            }
            product = self.chain.key("product", values.pop("sku"))
            keys.append(
                self.chain.add(
                    "sales_order_lines", sales_order_id=order, line_ref=str(place), product_id=product, **values
                )
            )
        return order, keys

    def back(self, order: int, line: int, day: str, quantity: int = 1, net: Any = 1000, store: str = "A") -> None:
        """What came back of an order line, in good condition."""
        document = self.chain.add(
            "sales_returns", sales_order_id=order, store_id=self.chain.key("store", store), returned_on=day
        )
        self.chain.add(
            "sales_return_lines", sales_return_id=document, sales_order_line_id=line, quantity=quantity,
            condition="good", taxable_amount=net, tax_amount=0,
        )  # fmt: skip

    def test(self, completed_at: str, customer: str = "C", store: str = "A", state: str = "completed") -> int:
        """An eye test."""
        return int(
            self.chain.add(
                "eye_tests",
                patient_id=self.person(customer),
                store_id=self.chain.key("store", store),
                optometrist_id=self.user("eyes"),
                tested_on=completed_at[:10],
                started_at=completed_at,
                completed_at=completed_at,
                state=state,
                outcome="new_rx",
            )
        )

    def prescribe(self, day: str, until: str = "2026-01-01", customer: str = "C", **given: Any) -> int:
        """A prescription of the chain's own, unless given otherwise."""
        values = {"source": "tested_at_store", "kind": "spectacle", **given}
        return int(
            self.chain.add(
                "prescriptions",
                patient_id=self.person(customer),
                store_id=self.chain.key("store", "A"),
                prescribed_on=day,
                valid_until_on=until,
                **values,
            )
        )

    def build(self, *marts: str, as_of: str = "2024-05-15") -> None:
        self.chain.build(as_of, *marts)

    def rows(self, table: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        return list(self.chain.rows(table, columns, where))


@pytest.fixture
def trade(raw: Any) -> Trade:
    """The optician."""
    raw.chain("2024-05-15", grain="line").store()
    raw.con.execute("UPDATE lake.raw.chain SET timezone = 'Asia/Kolkata', currency = 'INR'")
    for kind, sku in KINDS.items():
        raw.add("categories", code=kind, kind=kind)
        raw.product(sku, category=kind)
    return Trade(raw)
