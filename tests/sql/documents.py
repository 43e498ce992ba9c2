"""Writes whole documents into a raw chain: an order to a vendor with its receipts, a transfer, a count, a lab job, …"""

from __future__ import annotations

from typing import Any

from warehouse.contracts import contract, create_table

NOON = "12:00:00+00"


def purchase(
    chain: Any,
    sent_on: str | None,
    expected_on: str,
    quantity: int = 10,
    receipts: tuple[tuple[Any, ...], ...] = (),
    pair: str = "A/p",
    vendor: str | None = "V",
    **line: Any,
) -> int:
    """An order of one line; `receipts` are (day, accepted, rejected), a batch and its last day behind them or not."""
    order = chain.add(
        "purchase_orders", order_ref=f"PO{chain.ids.get(('next', 'purchase_orders'), 0)}",
        vendor_id=chain.key("vendor", vendor), sent_at=sent_on and f"{sent_on} {NOON}",
    )  # fmt: skip
    accepted = sum(each[1] for each in receipts)
    keys = chain.pair(*pair.split("/"))
    given = {"state": "open", "ordered_qty": quantity, **line}
    is_open = given["state"] == "open"
    written = chain.add(
        "purchase_order_lines", purchase_order_id=order, **keys, expected_on=expected_on, received_qty=accepted,
        open_qty=max(quantity - accepted, 0) if is_open else 0, **given,
    )  # fmt: skip
    for number, (day, taken, refused, *batch) in enumerate(receipts):
        receipt = chain.add(
            "goods_receipts", receipt_number=f"R{order}/{number}", purchase_order_id=order, state="accepted",
            store_id=keys["store_id"], received_on=day, accepted_at=f"{day} {NOON}",
        )  # fmt: skip
        code, expires_on = batch or (None, None)
        chain.add(
            "goods_receipt_lines", goods_receipt_id=receipt, purchase_order_line_id=written,
            received_qty=taken + refused, accepted_qty=taken, rejected_qty=refused,
            reason="damaged" if refused else None, batch_code=code, expires_on=expires_on,
        )  # fmt: skip
    return int(written)


def transfer(
    chain: Any, shipped_on: str | None, received_on: str | None, to: str = "B", sku: str = "p", **line: Any
) -> int:
    """A transfer of one line from store A; its status follows from its days unless given."""
    status = "received" if received_on else "shipped" if shipped_on else "requested"
    sent = chain.add(
        "stock_transfers", from_store_id=chain.key("store", "A"), to_store_id=chain.key("store", to),
        status=line.pop("status", status), shipped_at=shipped_on and f"{shipped_on} {NOON}",
        received_at=received_on and f"{received_on} {NOON}",
    )  # fmt: skip
    quantities = {"requested_qty": 10, "shipped_qty": 0, "received_qty": 0, "damaged_qty": 0, "lost_qty": 0, **line}
    return int(
        chain.add("stock_transfer_lines", stock_transfer_id=sent, product_id=chain.key("product", sku), **quantities)
    )


def count(
    chain: Any, day: str, expected: int | None, counted: int | None, pair: str = "A/p", status: str = "posted"
) -> None:
    """A count of one product."""
    keys = chain.pair(*pair.split("/"))
    written = chain.add("stock_counts", store_id=keys["store_id"], status=status)
    chain.add(
        "stock_count_lines", stock_count_id=written, product_id=keys["product_id"], expected_qty=expected,
        counted_qty=counted, counted_at=f"{day} {NOON}",
    )  # fmt: skip


def lab_job(chain: Any, booked_on: str, *course: tuple[str, str], lens: str | None = None, **given: Any) -> int:
    """A confirmed order of one pair and its job; `course` is (state, day), `lens` the sku of its lenses."""
    number = chain.ids.get(("next", "sales_orders"), 0)
    store_id = chain.key("store", "A")
    order = chain.add(
        "sales_orders",
        order_ref=f"J{number}",
        store_id=store_id,
        confirmed_at=f"{booked_on} {NOON}",
        kind="prescription",
    )
    if lens is not None:
        chain.add(
            "sales_order_lines", sales_order_id=order, line_ref="1", product_id=chain.key("product", lens),
            sold_on=booked_on, quantity=2, pair_group=1,
        )  # fmt: skip
    job = chain.add(
        "lab_jobs", job_number=f"J{number}", sales_order_id=order, pair_group=1, store_id=store_id,
        **{"state": course[-1][0] if course else "pending", "lens_state": "ordered", "rework_count": 0, **given},
    )  # fmt: skip
    before = None
    for state, day in course:
        chain.add("lab_job_events", lab_job_id=job, from_state=before, to_state=state, happened_at=f"{day} {NOON}")
        before = state
    return int(job)


def remake(chain: Any, job: int, day: str, attempt: int = 1, fault: str = "lab", cost: Any = None) -> None:
    """An attempt that failed."""
    chain.add(
        "remakes", lab_job_id=job, attempt=attempt, reason="power_error", fault=fault, spoilage_cost_amount=cost,
        recorded_at=f"{day} {NOON}",
    )  # fmt: skip


def expense(chain: Any, day: str, amount: Any, state: str = "approved", tax: Any = 0, category: str = "travel") -> None:
    """Money that store A spent."""
    kind = chain.ids.get(("expense", category))
    if kind is None:
        kind = chain.ids[("expense", category)] = chain.add("expense_categories", code=category, name=category)
    chain.add(
        "expenses", store_id=chain.key("store", "A"), expense_category_id=kind, spent_on=day, amount=amount,
        tax_amount=tax, state=state,
    )  # fmt: skip


def prescription(chain: Any, day: str, *eyes: tuple[Any, ...], kind: str = "spectacle") -> int:
    """Eyes are (eye, sph, cyl) or (eye, sph, cyl, near addition)."""
    written = chain.add(
        "prescriptions", patient_id=1, store_id=chain.key("store", "A"), source="tested_at_store", kind=kind,
        prescribed_on=day, valid_until_on="2030-01-01",
    )  # fmt: skip
    for eye, sph, cyl, *near in eyes:
        chain.add(
            "prescription_eyes", prescription_id=written, kind=kind, eye=eye, sph=sph, cyl=cyl,
            add=near[0] if near else None,
        )  # fmt: skip
    return int(written)


def fill_documents(chain: Any) -> None:
    """Something in every table of stock, supply, workshop and expenses: for a chain with store A and product p of V."""
    chain.store("Z")
    chain.product("lens", category="l", subcategory="SV", style_code="s", attributes='{"sph": "-1.00", "cyl": "0.00"}')
    for store in ("A", "Z"):
        for sku in ("p", "lens"):
            if (store, sku) != ("A", "p"):
                chain.stock("2024-05-03", 4, f"{store}/{sku}")
                chain.carries(pair=f"{store}/{sku}")
        lot = ("2024-04-20", 4, 0, "b", "2024-06-01")
        purchase(chain, "2024-04-01", "2024-04-20", 4, (lot,), f"{store}/lens", state="received")
        count(chain, "2024-05-06", 4, 3, f"{store}/lens")
        chain.suggested("2024-05-10", 3, pair=f"{store}/lens")
        chain.add(
            "stock_reservations", location_id=chain.locations[store], product_id=chain.key("product", "p"), quantity=1,
            state="active",
        )  # fmt: skip
    transfer(chain, "2024-05-02", "2024-05-04", to="Z", approved_qty=2, shipped_qty=2, received_qty=2)
    job = lab_job(
        chain, "2024-05-01", ("qc", "2024-05-02"), ("ready", "2024-05-03"), ("delivered", "2024-05-06"), lens="lens"
    )
    chain.con.execute("UPDATE lake.raw.sales_orders SET total_amount = 10 WHERE order_ref LIKE 'J%'")
    remake(chain, job, "2024-05-02")
    chain.add("non_adapts", lab_job_id=job, reason="cosmetic", reported_on="2024-05-09", charged_amount=0)
    expense(chain, "2024-05-02", 5)
    chain.add("sales_targets", store_id=chain.key("store", "A"), month_on="2024-05-01", target_amount=310)
    chain.add("vendor_terms", vendor_id=chain.key("vendor", "V"), minimum_order_amount=500, valid_from_on="2024-01-01")
    prescription(chain, "2024-05-01", ("right", -1, 0), ("left", -1, 0))


def fill_output(con: Any, table: str, **given: Any) -> None:
    """A row of outputs.<table>; what may not be null and is not given is empty or 0."""
    create_table(con, f"outputs.{table}")
    empty = {"VARCHAR": "", "DATE": "2024-05-15", "BOOLEAN": False}
    row = {c.name: empty.get(c.type, 0) for c in contract(f"outputs.{table}").columns if not c.nullable} | given
    con.execute(
        f"INSERT INTO lake.outputs.{table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()]
    )
