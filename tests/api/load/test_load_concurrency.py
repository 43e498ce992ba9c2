"""Sixteen writers over HTTP on the same fifty products: selling, transferring, counting, adjusting, receiving.

Afterwards every invariant holds and the ledger is what was acknowledged: each request once, and no other. The second
test kills the server and PostgreSQL under the writers, who also lose answers on the way; they send what was not
answered again with the same key.
IMS_STRESS_SECONDS says how long each test writes (12).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
import uuid
from collections import Counter
from typing import Any

import pytest

WRITERS = 16
SECONDS = float(os.environ.get("IMS_STRESS_SECONDS", "12"))
PATIENCE, LOST = 120.0, 0.05
pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(int(SECONDS) + 400)]


class Refused(Exception):
    """What was asked is not possible; nothing changed."""


class Writer(threading.Thread):
    """One client. `told` is what each acknowledged request changed, by the document it changed it for; `patience` is
    how long a request without an answer is sent again, always with the same key."""

    def __init__(self, house: Any, tokens: list[str], number: int, until: float, patience: float) -> None:
        super().__init__(name=f"writer-{number}")
        self.draw = random.Random(number)
        self.port, self.until, self.patience = house.port, until, patience
        self.token, self.partner = tokens[number], tokens[(number + 1) % len(tokens)]
        self.stores = [row[0] for row in house.rows("SELECT store_id FROM stores ORDER BY 1")]
        self.products = [row[0] for row in house.rows("SELECT product_id FROM products ORDER BY 1")]
        ((self.vendor,),) = house.rows("SELECT vendor_id FROM vendors")
        self.told: Counter[tuple[str, int, str]] = Counter()  # units by reference type, reference and kind of move
        self.shelves: Counter[tuple[int, int]] = Counter()  # change by store and product
        self.outcomes: Counter[str] = Counter()
        self.requests = self.unanswered = self.replayed = 0
        self.failures: list[str] = []
        self.http: http.client.HTTPConnection | None = None

    def run(self) -> None:
        works = [self.sell] * 8 + [self.transfer] * 4 + [self.count] * 3 + [self.adjust] * 3 + [self.receive] * 2
        try:
            while time.monotonic() < self.until:
                work = self.draw.choice(works)
                try:
                    work()
                    self.outcomes[work.__name__] += 1
                except Refused as refusal:
                    self.outcomes[str(refusal)] += 1
        except Exception as error:  # noqa: BLE001  (whatever it is, the test reports it)
            self.failures.append(repr(error))

    def send(self, method: str, path: str, body: Any = None, who: str | None = None) -> tuple[int, Any, int]:
        """Status, answer, and how often the request was sent; once only unless there is patience."""
        key = uuid.uuid4().hex
        deadline = time.monotonic() + self.patience
        sent = refused = 0
        while True:
            sent += 1
            self.requests += 1
            try:
                # a lost answer is met by a client now and then; these lose some on purpose
                is_lost = self.patience > 0 and self.draw.random() < LOST
                status, answer = self.once(method, path, body, who or self.token, key, is_lost)
            except (OSError, http.client.HTTPException) as error:
                self.http = None
                status, answer = 0, repr(error)
            refused += status == 409
            if status == 409 and sent > 1 and refused == 1:
                time.sleep(0.5)  # one sent before may have been overtaken, and done since: asked again it says so
                continue
            if 0 < status < 500:
                return status, answer, sent
            self.unanswered += 1
            if time.monotonic() > deadline:
                raise AssertionError(f"{method} {path}: {status} {answer}")
            time.sleep(0.2)

    def once(self, method: str, path: str, body: Any, token: str, key: str, is_lost: bool) -> tuple[int, Any]:
        if self.http is None:
            self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key, "content-type": "application/json"}
        self.http.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        if is_lost:
            time.sleep(self.draw.uniform(0, 0.2))
            self.http.close()
            raise ConnectionResetError("nobody waited for the answer")
        response = self.http.getresponse()
        content = response.read()
        self.replayed += "idempotent-replayed" in response.headers
        return response.status, json.loads(content) if content else None

    def get(self, path: str) -> Any:
        status, answer, _ = self.send("GET", path)
        assert status == 200, answer
        return answer

    def post(self, path: str, body: Any = None, who: str | None = None) -> Any:
        """What a request answers that carries a key. Raises Refused for a conflict."""
        status, answer, _ = self.send("POST", path, body, who)
        if status == 409:
            raise Refused(answer["type"].rpartition(":")[2])
        assert status in (200, 201), (path, status, answer)
        return answer

    def step(self, path: str, name: str, target: str, body: Any = None, who: str | None = None) -> Any:
        """A step that its state keeps from happening twice: sent again, it may find itself done."""
        status, answer, sent = self.send("POST", f"{path}/{name}", body, who)
        if status == 409:
            if sent > 1 and answer.get("status_now") == target:
                return self.get(path)
            raise Refused(answer["type"].rpartition(":")[2])
        assert status == 200, (path, status, answer)
        return answer

    def some(self, most: int) -> list[int]:
        return self.draw.sample(self.products, self.draw.randint(1, most))

    def keep(self, reference: tuple[str, int], kind: str, units: int, store: int | None, product: int) -> None:
        """Remember what was acknowledged: units that came to a store's shelves, or left them (negative)."""
        self.told[(*reference, kind)] += abs(units)
        if store is not None:
            self.shelves[store, product] += units

    def sell(self) -> None:
        store = self.draw.choice(self.stores)
        lines = [{"product_id": product, "quantity": self.draw.randint(1, 2)} for product in self.some(3)]
        path = f"/orders/{self.post('/orders', {'store_id': store, 'lines': lines})['sales_order_id']}"
        order = self.step(path, "confirm", "confirmed")
        if self.draw.random() < 0.1:
            self.step(path, "cancel", "cancelled", {"reason": "changed their mind"})
            return
        self.post(f"{path}/payments", {"method": "cash", "amount": order["total_amount"]})
        try:
            self.step(path, "deliver", "delivered")
        except Refused:  # a count took what was kept
            body = {"reason": "it was not there", "refund": {"method": "cash"}}
            self.step(path, "cancel", "cancelled", body)
            raise
        for line in order["lines"]:
            reference = ("sales_order_line", line["sales_order_line_id"])
            self.keep(reference, "sale", -line["quantity"], store, line["product_id"])

    def transfer(self) -> None:
        source, destination = self.draw.sample(self.stores, 2)
        lines = [{"product_id": product, "quantity": self.draw.randint(1, 3)} for product in self.some(4)]
        body = {"from_store_id": source, "to_store_id": destination, "lines": lines}
        made = self.post("/transfers", body)
        path = f"/transfers/{made['stock_transfer_id']}"
        try:
            self.step(path, "approve", "approved", {}, self.partner)
            self.post(f"{path}/ship", {})
        except Refused:
            self.step(path, "cancel", "cancelled", {"reason": "it was not there"})
            raise
        for line in made["lines"]:
            reference = ("stock_transfer_line", line["stock_transfer_line_id"])
            self.keep(reference, "transfer_ship", -line["requested_qty"], source, line["product_id"])
        short = self.draw.random() < 0.3
        for number, line in enumerate(made["lines"]):
            asked, key = line["requested_qty"], line["stock_transfer_line_id"]
            lost = 1 if short and number == 0 else 0
            got = {"stock_transfer_line_id": key, "received_qty": asked - lost}
            if lost:
                got |= {"lost_qty": lost, "reason": "the box was open"}
            self.post(f"{path}/receive", {"lines": [got]})
            reference = ("stock_transfer_line", key)
            self.keep(reference, "transfer_receive", asked - lost, destination, line["product_id"])
            self.keep(reference, "transfer_receive", lost, None, line["product_id"])

    def count(self) -> None:
        store, products = self.draw.choice(self.stores), self.some(3)
        made = self.post("/counts", {"store_id": store, "product_ids": products})
        path = f"/counts/{made['stock_count_id']}"
        lines = []
        for product in products:
            (level,) = self.get(f"/stock/levels?store_id={store}&product_id={product}")["items"]
            counted = max(0, level["on_hand"] + self.draw.choice((-1, 0, 0, 1)))
            lines.append({"product_id": product, "counted_qty": counted})
        self.post(f"{path}/lines", {"lines": lines})
        try:
            self.post(f"{path}/post")
        except Refused:
            self.step(path, "cancel", "cancelled")
            raise
        for line in self.get(f"{path}/lines")["items"]:
            reference = ("stock_count_line", line["stock_count_line_id"])
            self.keep(reference, "count", line["difference_qty"], store, line["product_id"])

    def adjust(self) -> None:
        store, product = self.draw.choice(self.stores), self.draw.choice(self.products)
        quantity = self.draw.choice((-3, -2, -1, 1, 2, 3, 9))
        body = {"store_id": store, "product_id": product, "quantity": quantity, "reason": "miscount"}
        made = self.post("/adjustments", body)
        if made["status"] == "pending":
            path = f"/adjustments/{made['stock_adjustment_id']}"
            self.step(path, "approve", "posted", {}, self.partner)
        self.keep(("stock_adjustment", made["stock_adjustment_id"]), "adjustment", quantity, store, product)

    def receive(self) -> None:
        store = self.draw.choice(self.stores)
        lines = [{"product_id": product, "quantity": self.draw.randint(2, 6)} for product in self.some(3)]
        body = {"vendor_id": self.vendor, "delivery_store_id": store, "lines": lines}
        order = self.post("/purchase-orders", body)
        path = f"/purchase-orders/{order['purchase_order_id']}"
        self.step(path, "approve", "approved", who=self.partner)
        self.step(path, "send", "sent")
        came = [
            {"purchase_order_line_id": line["purchase_order_line_id"], "accepted_qty": line["ordered_qty"]}
            for line in order["lines"]
        ]
        receipt = self.post(f"{path}/receipts", {"lines": came})
        for line in receipt["lines"]:
            reference = ("goods_receipt_line", line["goods_receipt_line_id"])
            self.keep(reference, "receipt", line["accepted_qty"], store, line["product_id"])


def start_writers(house, make_user, patience: float = 0) -> list[Writer]:
    """So many, each an administrator of their own."""
    tokens = [make_user(house.url, f"writer{number}", ("admin",)) for number in range(WRITERS)]
    until = time.monotonic() + SECONDS
    writers = [Writer(house, tokens, number, until, patience) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    return writers


def finish(writers) -> tuple[Counter, Counter, Counter]:
    """What all of them were told, by document and by shelf, and how it went."""
    told, shelves, outcomes = Counter(), Counter(), Counter()
    for writer in writers:
        writer.join()
        told.update(writer.told)
        shelves.update(writer.shelves)
        outcomes.update(writer.outcomes)
    return told, shelves, outcomes


def report(name: str, writers, outcomes: Counter, seconds: float) -> None:
    requests, unanswered, replayed = (
        sum(getattr(each, name) for each in writers) for name in ("requests", "unanswered", "replayed")
    )
    print(
        f"\n{name}: {WRITERS} writers, {seconds:.0f} s, {requests} requests ({requests / seconds:.0f}/s),"
        f" {unanswered} without an answer, {replayed} answered again; {dict(outcomes.most_common())}"
    )


def test_sixteen_writers_over_http(house, make_user) -> None:
    began = time.monotonic()
    writers = start_writers(house, make_user)
    told, shelves, outcomes = finish(writers)
    report("load", writers, outcomes, time.monotonic() - began)
    assert house.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    # no 5xx, no broken connection: each would end its writer with a failure
    assert [failure for writer in writers for failure in writer.failures] == []
    assert {"sell", "transfer", "count", "adjust", "receive"} <= outcomes.keys()
    house.compare(told, shelves)


def test_nothing_acknowledged_is_lost_when_processes_are_killed(house, make_user) -> None:
    began = time.monotonic()
    writers = start_writers(house, make_user, PATIENCE)
    pause = SECONDS / 4
    time.sleep(pause)
    house.kill_server()
    house.start()
    time.sleep(pause)
    house.kill_database()
    house.start_database()
    time.sleep(pause)
    house.kill_database()
    house.kill_server()
    house.start()
    told, shelves, outcomes = finish(writers)
    report("killed three times", writers, outcomes, time.monotonic() - began)
    assert [failure for writer in writers for failure in writer.failures] == []
    # answers were lost after their work was done, and given again
    assert sum(writer.replayed for writer in writers) > 0
    house.compare(told, shelves)
