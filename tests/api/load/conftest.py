"""A real `ims serve` on an embedded PostgreSQL of its own, with a chain that several writers sell from."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from api.services.invariants import check_invariants
from ims.postgres import connect_databases, stop_server
from ims.settings import Settings

IMS = str(Path(sys.executable).parent / "ims")
STORES, PRODUCTS, OPENING = 4, 50, 5
SEED = f"""
    INSERT INTO chain (name, currency, timezone, as_of, sales_grain, unmet_demand)
    VALUES ('c', 'INR', 'Asia/Kolkata', '2024-01-01', 'line', 'lost');
    INSERT INTO tax_classes (code, name) VALUES ('T', 'Goods');
    INSERT INTO tax_rates (tax_class_id, rate, valid_from_on) SELECT tax_class_id, 0.18, '2020-01-01' FROM tax_classes;
    INSERT INTO categories (code, name, kind, tax_class_id) SELECT 'f', 'F', 'frame', tax_class_id FROM tax_classes;
    INSERT INTO stores (store_code, name, state_code) SELECT 'S' || n, 'S', '27' FROM generate_series(1, {STORES}) AS n;
    INSERT INTO vendors (vendor_code, name) VALUES ('V', 'V');
    INSERT INTO products (sku, name, category, unit_price, unit_cost)
    SELECT 'P' || n, 'p', 'f', 100, 40 FROM generate_series(1, {PRODUCTS}) AS n;
    INSERT INTO supply_terms (product_id, vendor_id, lead_time_days, review_period_days, unit_cost)
    SELECT product_id, vendor_id, 5, 7, 40 FROM products, vendors;
    INSERT INTO stock_moves (product_id, quantity, source_location_id, destination_location_id, moved_on, kind)
    SELECT p.product_id, {OPENING}, o.location_id, s.location_id, '2024-01-01', 'opening'
    FROM products AS p, stock_locations AS o, stock_locations AS s WHERE o.kind = 'opening' AND s.kind = 'store';
"""

LEDGER = """
    SELECT reference_type, reference_id, kind, sum(quantity)::int FROM stock_moves WHERE reference_id IS NOT NULL
    GROUP BY reference_type, reference_id, kind"""
SHELVES = """
    SELECT l.store_id, b.product_id, b.on_hand FROM stock_balances AS b JOIN stock_locations AS l
    USING (location_id) WHERE l.kind = 'store'"""
UNSETTLED = """
    SELECT (SELECT coalesce(sum(on_hand), 0) FROM stock_balances JOIN stock_locations USING (location_id)
            WHERE kind = 'transit')::int,
        (SELECT count(*) FROM stock_reservations WHERE state = 'active')::int"""


class House:
    """An installation in a folder of its own: its processes may be killed, and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home, database_url=None, _env_file=None)
        self.url = connect_databases(self.settings).operational
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("IMS_")}
        self.environment["IMS_HOME"] = str(home)
        self.log = home / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and PostgreSQL too where it is gone; waits until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [IMS, "serve", "--role", "api", "--port", str(self.port)],
                env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(900):
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError("it did not answer within 90 seconds")

    def kill_server(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def kill_database(self) -> None:
        """SIGKILL of the postmaster; its children end once they notice."""
        postmaster = int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        family = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
        os.kill(postmaster, signal.SIGKILL)
        psutil.wait_procs(family, timeout=20)

    def start_database(self) -> None:
        assert connect_databases(self.settings).operational == self.url

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [IMS, *command], env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def compare(self, told: Counter[tuple[str, int, str]], shelves: Counter[tuple[int, int]]) -> None:
        """The database is sound, and the ledger is what was acknowledged: all of it once, and nothing else."""
        with psycopg.connect(self.url) as connection:
            assert not {name: count for name, count in check_invariants(connection).items() if count}
        ledger = {row[:3]: row[3] for row in self.rows(LEDGER)}
        assert ledger == {key: units for key, units in told.items() if units}
        found = {(store, product): on_hand for store, product, on_hand in self.rows(SHELVES)}
        assert found == {key: OPENING + shelves[key] for key in found}
        assert min(found.values()) >= 0
        # whoever began something has ended it
        assert self.rows(UNSETTLED) == [(0, 0)]
        audit = self.run("audit", "verify")
        assert audit.returncode == 0, audit.stdout + audit.stderr

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        stop_server(self.settings)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A chain of four stores that carry fifty products."""
    found = House(tmp_path / "home")
    try:
        found.start()
        found.rows(SEED)
        yield found
    finally:
        found.close()
