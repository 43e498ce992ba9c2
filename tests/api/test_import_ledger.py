"""The stock ledger across folders: opening, receipts, cancellations, sales, returns, counts, suggestions.

The property test replays every history with a second, plain computation of the ledger, day by day.
"""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.imports.folder import import_folder
from api.services.invariants import check_invariants

START = dt.date(2024, 4, 15)  # a Monday
SKUS = "ABCDEF"
ON_HAND = """
    SELECT coalesce(sum(CASE WHEN l.location_id = m.destination_location_id THEN quantity ELSE -quantity END), 0)::int
    FROM stock_moves AS m JOIN stock_locations AS l
      ON l.location_id IN (m.source_location_id, m.destination_location_id)
    JOIN stores USING (store_id) JOIN products USING (product_id)
    WHERE store_code = %s AND sku = %s AND moved_on < %s"""


class Ledger:
    """A chain of one store and a few products, loaded folder by folder."""

    def __init__(self, url: str, path: Path) -> None:
        self.url, self.path, self.number = url, path, 0

    def load(self, as_of, sales=None, stock=None, orders=None, grain="day", lines=None):
        """Import a folder: stock {sku: on hand}, sales (day, sku, units), orders (ref, sku, units, due, suggestion)."""
        self.number += 1
        folder = self.path / f"folder{self.number}"
        folder.mkdir()
        chain = 'name = "C"\ncurrency = "EUR"\ntimezone = "UTC"\n'
        (folder / "chain.toml").write_text(f'{chain}as_of = "{as_of}"\nsales_grain = "{grain}"\n')
        if self.number == 1:
            (folder / "stores.csv").write_text("store_code,name\nS,Store\n")
            (folder / "products.csv").write_text("sku,name,category\n" + "".join(f"{sku},x,x\n" for sku in SKUS))
        if sales is not None or self.number == 1:
            rows = "".join(f"{day},S,{sku},{quantity}\n" for day, sku, quantity in sales or [])
            (folder / "sales.csv").write_text("sold_on,store_code,sku,quantity\n" + rows)
        if lines is not None:
            rows = "".join(f"{day},S,{sku},{quantity},O,{n}\n" for n, (day, sku, quantity) in enumerate(lines))
            (folder / "sales.csv").write_text("sold_on,store_code,sku,quantity,order_ref,line_ref\n" + rows)
        if stock is not None:
            rows = "".join(f"{as_of},S,{sku},{on_hand}\n" for sku, on_hand in stock.items())
            (folder / "stock.csv").write_text("as_of,store_code,sku,on_hand\n" + rows)
        if orders is not None:
            rows = "".join(f"{ref},S,{sku},{quantity},{due},{more}\n" for ref, sku, quantity, due, more in orders)
            (folder / "open_orders.csv").write_text(
                "order_ref,store_code,sku,quantity,expected_on,suggestion_id\n" + rows
            )
        return import_folder(folder, self.url, reports=self.path / "reports")

    def on_hand(self, sku, day):
        (found,) = self.rows(ON_HAND, "S", sku, day)[0]
        return found

    def moves(self):
        return self.rows(
            "SELECT kind, sku, quantity, moved_on::text FROM stock_moves JOIN products USING (product_id)"
            " ORDER BY moved_on, kind, sku"
        )

    def lines(self):
        return self.rows("SELECT state, open_qty, received_qty, closed_on::text FROM purchase_order_lines ORDER BY 1")

    def rows(self, query, *values):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture
def ledger(empty_url, tmp_path):
    return Ledger(empty_url, tmp_path)


def day(number):
    return START + dt.timedelta(number)


def test_the_first_statement_opens_the_ledger_and_history_moves_nothing(ledger):
    report = ledger.load(day(0), sales=[(day(-3), "A", 5)], stock={"A": 7, "B": 0})
    assert ledger.moves() == [("opening", "A", 7, str(day(-1)))]
    assert (ledger.on_hand("A", day(-1)), ledger.on_hand("A", day(0))) == (0, 7)
    assert report.warnings == []
    assert report.moves == {"opening": 1}


def test_what_sales_and_receipts_explain_is_no_count(ledger):
    ledger.load(day(0), stock={"A": 7, "B": 4}, orders=[("O1", "A", 10, day(3), "")])
    report = ledger.load(
        day(7), sales=[(day(1), "A", 5), (day(4), "A", 6), (day(4), "A", -1), (day(2), "B", 1)],
        stock={"A": 7, "B": 3}, orders=[],
    )  # fmt: skip
    assert ledger.moves()[2:] == [
        ("sale", "A", 5, str(day(1))),
        ("sale", "B", 1, str(day(2))),
        ("receipt", "A", 10, str(day(3))),
        ("return", "A", 1, str(day(4))),
        ("sale", "A", 6, str(day(4))),
    ]
    assert report.warnings == []
    assert ledger.lines() == [("received", 0, 10, str(day(3)))]


def test_only_the_difference_is_a_count_and_warns(ledger):
    ledger.load(day(0), stock={"A": 7, "B": 4})
    report = ledger.load(day(7), sales=[(day(1), "A", 5)], stock={"A": 1, "B": 6})
    counts = [("count", "A", 1, str(day(6))), ("count", "B", 2, str(day(6)))]
    assert [move for move in ledger.moves() if move[0] == "count"] == counts
    assert (ledger.on_hand("A", day(6)), ledger.on_hand("A", day(7)), ledger.on_hand("B", day(7))) == (2, 1, 6)
    assert report.warnings == [
        "stock: 2 of 2 statements differ from the ledger and were posted as counts (+2 and -1 units)"
    ]


def test_demand_that_was_not_served_takes_no_stock_below_zero(ledger):
    ledger.load(day(0), stock={"A": 3}, orders=[("O1", "A", 10, day(4), "")])
    report = ledger.load(day(7), sales=[(day(1), "A", 8), (day(5), "A", 4)], stock={"A": 6}, orders=[])
    # five of the eight asked for on day 1 were not there; the receipt of day 4 does not serve them afterwards
    assert [ledger.on_hand("A", day(n)) for n in range(8)] == [3, 3, 0, 0, 0, 10, 6, 6]
    assert report.warnings == []


def test_weekly_totals_are_taken_off_by_the_end_of_their_week(ledger):
    ledger.load(day(0), stock={"A": 9}, orders=[("O1", "A", 5, day(3), "")], grain="week")
    ledger.load(day(7), sales=[(day(0), "A", 12)], stock={"A": 2}, orders=[], grain="week")
    assert [ledger.on_hand("A", day(n)) for n in (0, 3, 4, 6, 7)] == [9, 9, 14, 14, 2]


def test_order_lines_move_stock_as_totals_do(ledger):
    ledger.load(day(0), stock={"A": 9})
    ledger.load(day(7), lines=[(day(1), "A", 4), (day(1), "A", 1), (day(2), "A", -2)])
    assert [ledger.on_hand("A", day(n)) for n in (1, 2, 3)] == [9, 4, 6]


def test_an_order_that_vanished_before_it_was_due_was_cancelled(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(14), "")])
    report = ledger.load(day(7), stock={"A": 1}, orders=[])
    assert ledger.lines() == [("cancelled", 0, 0, str(day(7)))]
    assert report.file("open_orders").closed == 1
    assert ledger.on_hand("A", day(30)) == 1


def test_an_order_due_on_the_day_of_a_statement_stays_open_and_arrives_after(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(0), "")])
    assert ledger.on_hand("A", day(0)) == 1
    report = ledger.load(day(7), stock={"A": 11}, orders=[])
    assert report.warnings == []
    assert (ledger.on_hand("A", day(0)), ledger.on_hand("A", day(1))) == (1, 11)


def test_a_remainder_that_fell_was_received_in_part(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(3), "")])
    ledger.load(day(7), stock={"A": 7}, orders=[("O1", "A", 4, day(10), "")])
    assert ledger.lines() == [("open", 4, 6, None)]
    assert ledger.on_hand("A", day(4)) == 7


def test_no_file_of_open_orders_says_nothing_and_a_header_says_none(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(3), "")])
    ledger.load(day(7), stock={"A": 1})
    assert ledger.lines() == [("open", 10, 0, None)]
    ledger.load(day(8), orders=[])
    assert ledger.lines()[0][0] == "received"
    assert ledger.on_hand("A", day(8)) == 11


def test_a_correction_of_the_same_day_is_no_receipt(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(0), ""), ("O2", "A", 5, day(7), "")])
    ledger.load(day(0), orders=[("O2", "A", 5, day(7), "")])
    assert ledger.lines() == [("cancelled", 0, 0, str(day(0))), ("open", 5, 0, None)]
    assert ledger.on_hand("A", day(30)) == 1


def test_an_order_due_on_the_day_of_the_statement_that_lacks_it_came_before_it(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(7), "")])
    report = ledger.load(day(7), stock={"A": 11}, orders=[])
    assert report.warnings == []
    assert ledger.lines() == [("received", 0, 10, str(day(6)))]
    assert [ledger.on_hand("A", day(n)) for n in (6, 7, 8)] == [1, 11, 11]


def test_a_day_belongs_to_the_statement_of_its_opening(ledger):
    ledger.load(day(0), stock={"A": 9, "B": 9})
    ledger.load(day(7), sales=[(day(0), "A", 2), (day(7), "A", 4)])
    ledger.load(day(14), lines=[(day(7), "B", 3), (day(14), "B", 1)], sales=None)
    assert [ledger.on_hand("A", day(n)) for n in (0, 1, 7, 8)] == [9, 7, 7, 3]
    assert [ledger.on_hand("B", day(n)) for n in (7, 8, 15)] == [9, 6, 6]


def test_a_receipt_that_the_last_statement_counted_is_not_posted_again(ledger):
    ledger.load(day(0), stock={"A": 1}, orders=[("O1", "A", 10, day(3), "")])
    ledger.load(day(7), stock={"A": 11})
    ledger.load(day(7), orders=[])
    assert ledger.lines() == [("received", 0, 10, str(day(6)))]
    assert ledger.on_hand("A", day(7)) == 11


def test_a_pair_left_out_is_rolled_forward(ledger):
    ledger.load(day(0), stock={"A": 7, "B": 4}, orders=[("O1", "A", 10, day(3), "")])
    report = ledger.load(day(7), sales=[(day(1), "A", 5)], stock={"B": 4}, orders=[])
    assert ledger.on_hand("A", day(7)) == 12
    assert report.warnings == []


def test_what_was_not_served_before_a_roll_is_not_served_after_it(ledger):
    ledger.load(day(0), stock={"A": 3}, orders=[("O1", "A", 10, day(9), "")])
    ledger.load(day(7), sales=[(day(1), "A", 8)])
    ledger.load(day(14), sales=[(day(10), "A", 1)], orders=[])
    assert ledger.on_hand("A", day(14)) == 9


def test_sales_corrected_after_the_last_statement_are_corrected_in_the_ledger(ledger):
    ledger.load(day(0), stock={"A": 20, "B": 20})
    ledger.load(day(7), sales=[(day(1), "A", 8), (day(1), "B", 8)])
    ledger.load(day(7), sales=[(day(1), "A", 5), (day(1), "B", 9), (day(-1), "A", 7)])
    assert (ledger.on_hand("A", day(7)), ledger.on_hand("B", day(7))) == (15, 11)
    assert [move for move in ledger.moves() if move[0] == "reversal"] == [("reversal", "A", 3, str(day(6)))]


def test_a_corrected_line_gives_back_what_it_took(ledger):
    ledger.load(day(0), stock={"A": 20, "B": 20})
    ledger.load(day(7), lines=[(day(1), "A", 8)])
    ledger.load(day(7), lines=[(day(1), "B", 5)])
    assert (ledger.on_hand("A", day(7)), ledger.on_hand("B", day(7))) == (20, 15)


def test_sales_corrected_before_the_last_statement_change_no_stock(ledger):
    ledger.load(day(0), stock={"A": 20})
    ledger.load(day(7), sales=[(day(1), "A", 8)], stock={"A": 12})
    ledger.load(day(7), sales=[(day(1), "A", 5)])
    assert ledger.on_hand("A", day(7)) == 12


def test_a_corrected_statement_wins(ledger):
    ledger.load(day(0), stock={"A": 20})
    report = ledger.load(day(0), stock={"A": 18})
    assert ledger.on_hand("A", day(0)) == 18
    assert report.file("stock").changed == 1
    assert "1 of 1 statements differ" in report.warnings[0]


def test_a_statement_older_than_the_ledger_is_kept_as_evidence(ledger):
    ledger.load(day(0), stock={"A": 20})
    ledger.load(day(14), sales=[(day(1), "A", 2)])
    folder = ledger.path / "late"
    folder.mkdir()
    (folder / "stock.csv").write_text(f"as_of,store_code,sku,on_hand\n{day(7)},S,A,3\n")
    report = import_folder(folder, ledger.url, reports=ledger.path)
    assert "kept as evidence" in report.warnings[0]
    assert ledger.on_hand("A", day(14)) == 18


def test_statements_of_several_days_in_one_folder_are_each_met(ledger):
    ledger.load(day(0))
    folder = ledger.path / "history"
    folder.mkdir()
    (folder / "chain.toml").write_text(f'as_of = "{day(14)}"\n')
    (folder / "stock.csv").write_text(
        f"as_of,store_code,sku,on_hand\n{day(0)},S,A,9\n{day(7)},S,A,5\n{day(14)},S,A,8\n"
    )
    (folder / "sales.csv").write_text(f"sold_on,store_code,sku,quantity\n{day(2)},S,A,4\n{day(9)},S,A,1\n")
    import_folder(folder, ledger.url, reports=ledger.path)
    assert [ledger.on_hand("A", day(n)) for n in (0, 2, 3, 7, 10, 14)] == [9, 9, 5, 5, 4, 8]


def test_a_later_folder_without_chain_toml_moves_as_of_with_its_statement(ledger):
    ledger.load(day(0), stock={"A": 20})
    folder = ledger.path / "bare"
    folder.mkdir()
    (folder / "stock.csv").write_text(f"as_of,store_code,sku,on_hand\n{day(7)},S,A,13\n")
    (folder / "sales.csv").write_text(f"sold_on,store_code,sku,quantity\n{day(2)},S,A,7\n")
    report = import_folder(folder, ledger.url, reports=ledger.path)
    assert report.as_of == day(7)
    assert "moves the chain's as_of" in report.warnings[0]
    assert ledger.on_hand("A", day(7)) == 13


POST = """
    INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on, kind)
    SELECT product_id, CASE WHEN %(units)s < 0 THEN s.location_id ELSE v.location_id END,
           CASE WHEN %(units)s < 0 THEN v.location_id ELSE s.location_id END, abs(%(units)s), %(on)s,
           CASE WHEN %(units)s < 0 THEN 'vendor_return' ELSE 'receipt' END
    FROM products, stock_locations AS s, stock_locations AS v
    WHERE sku = %(sku)s AND s.kind = 'store' AND v.kind = 'vendor'"""
BALANCE = "SELECT coalesce(sum(on_hand), 0)::int FROM stock_balances JOIN products USING (product_id) WHERE sku = 'A'"


def _post(ledger, sku, units, on):
    """What the stock room posts itself between two imports: units from the vendor, or back to it."""
    with psycopg.connect(ledger.url) as connection:
        connection.execute(POST, {"sku": sku, "units": units, "on": on})


def test_what_was_posted_here_meanwhile_is_neither_lost_nor_posted_again(ledger):
    ledger.load(day(0), stock={"A": 5})
    _post(ledger, "A", 4, day(2))
    report = ledger.load(day(7), sales=[(day(3), "A", 8)], stock={"A": 1})
    assert report.warnings == []
    assert ledger.rows(BALANCE) == [(1,)]


def test_a_statement_that_leaves_less_than_has_left_since_was_wrong(ledger):
    ledger.load(day(0), stock={"A": 9})
    _post(ledger, "A", -8, day(7))
    ledger.load(day(7), stock={"A": 3})
    assert (ledger.on_hand("A", day(7)), ledger.on_hand("A", day(8))) == (3, 0)
    assert ledger.rows(BALANCE) == [(0,)]


def test_a_first_statement_counts_what_had_come_before_it(ledger):
    ledger.load(day(0))
    _post(ledger, "A", 4, day(2))
    ledger.load(day(7), stock={"A": 6})
    assert (ledger.on_hand("A", day(6)), ledger.on_hand("A", day(7))) == (4, 6)
    assert ledger.rows(BALANCE) == [(6,)]


def test_statements_of_what_is_kept_by_lens_power_post_nothing(ledger):
    ledger.load(day(0))
    with psycopg.connect(ledger.url) as connection:
        connection.execute("INSERT INTO lens_cells (product_id, sph) SELECT product_id, -1 FROM products LIMIT 1")
    report = ledger.load(day(7), stock={"A": 6, "B": 2})
    assert "1 statement(s) are of products kept by lens power" in report.warnings[0]
    assert [sku for _, sku, _, _ in ledger.moves()] == ["B"]


@pytest.fixture
def suggestion(ledger):
    """A proposed suggestion for A."""
    ledger.load(day(0), stock={"A": 1})
    with psycopg.connect(ledger.url) as connection:
        connection.execute("INSERT INTO runs (run_id, as_of, state) VALUES ('r', '2024-04-15', 'published')")
        (publication,) = connection.execute(
            "INSERT INTO publications"
            " (snapshot_id, run_id, as_of, data_as_of, fingerprint, checks, metric_version, notes)"
            " VALUES (1, 'r', '2024-04-15', '2024-04-15', 'f', '{}', '1', '[]') RETURNING publication_id"
        ).fetchone()
        (found,) = connection.execute(
            """INSERT INTO suggestions (publication_id, as_of, kind, store_id, product_id, on_hand, on_order,
                suggested_qty, order_by, arrives_on, covers_until, expected_demand, demand_p50, demand_p90, reason,
                priority, expires_on, receipt)
            SELECT %s, '2024-04-15', 'purchase', store_id, product_id, 1, 0, 6, '2024-04-15', '2024-04-29',
                '2024-05-06', 5, 5, 8, 'x', 1, '2024-04-22', '{}' FROM stores, products
            WHERE sku = 'A' RETURNING suggestion_id""",
            [publication],
        ).fetchone()
    return found


def _state(ledger):
    return ledger.rows("SELECT state FROM suggestions")[0][0]


def test_an_order_with_its_suggestion_closes_it(ledger, suggestion):
    ledger.load(day(7), orders=[("O1", "A", 6, day(14), suggestion)])
    assert _state(ledger) == "ordered"
    ledger.load(day(14), orders=[("O1", "A", 6, day(14), suggestion)])
    assert _state(ledger) == "ordered"
    ledger.load(day(21), orders=[])
    assert _state(ledger) == "received"
    assert ledger.on_hand("A", day(21)) == 7


def test_a_cancelled_order_lets_its_suggestion_expire(ledger, suggestion):
    ledger.load(day(7), orders=[("O1", "A", 6, day(28), suggestion)])
    ledger.load(day(14), orders=[])
    assert _state(ledger) == "expired"


WEEKS = st.lists(
    st.fixed_dictionaries(
        {
            "sales": st.lists(
                st.tuples(st.integers(0, 6), st.sampled_from(SKUS), st.integers(-2, 9)), min_size=8, max_size=24
            ),
            "stock": st.none() | st.dictionaries(st.sampled_from(SKUS), st.integers(0, 12), min_size=3),
            "placed": st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 9), st.integers(-2, 16)), max_size=6),
            "vanishes": st.sets(st.integers(0, 12)),
            "states_orders": st.booleans(),
        }
    ),
    min_size=3,
    max_size=4,
)


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weeks=WEEKS)
def test_any_history_keeps_the_ledger_true(shared_url, empty, tmp_path_factory, weeks):
    """Statements are met, nothing lies below zero, a second import changes nothing, and a plain replay agrees."""
    empty(shared_url)
    ledger = Ledger(shared_url, tmp_path_factory.mktemp("chain"))
    replay = Replay()
    open_orders: dict[str, tuple[str, str, int, dt.date, str]] = {}
    references = itertools.count()
    for week, given_ in enumerate(weeks):
        as_of = day(7 * week)
        sales = [(as_of - dt.timedelta(7 - offset), sku, quantity) for offset, sku, quantity in given_["sales"]]
        orders = None
        if given_["states_orders"]:
            listed = [order for n, order in enumerate(open_orders.values()) if n not in given_["vanishes"]]
            for sku, quantity, ahead in given_["placed"]:
                listed.append((f"O{next(references)}", sku, quantity, as_of + dt.timedelta(ahead), ""))
            gone = [order for order in open_orders.values() if order not in listed]
            replay.receive(gone, as_of)
            open_orders = {order[0]: order for order in listed}
            orders = listed
        replay.sell(sales)
        replay.roll(as_of, given_["stock"] or {})
        files = {"sales": sales, "stock": given_["stock"], "orders": orders}
        ledger.load(as_of, **files)
        before = _state_of(ledger)
        again = import_folder(ledger.path / f"folder{week + 1}", ledger.url, reports=ledger.path / "reports")
        assert again.is_unchanged
        assert _state_of(ledger) == before
        for sku, on_hand in (given_["stock"] or {}).items():
            assert ledger.on_hand(sku, as_of) == on_hand
        with psycopg.connect(ledger.url) as connection:
            assert not any(check_invariants(connection).values())
    for number in range(7 * len(weeks)):
        for sku in SKUS:
            found = ledger.on_hand(sku, day(number))
            assert found >= 0
            assert found == replay.opening(sku, day(number)), (sku, number)


class Replay:
    """The ledger as one would keep it by hand: a level per product, day after day."""

    def __init__(self):
        self.level: dict[str, int] = {}
        self.history: dict[tuple[str, dt.date], int] = {}
        self.sold: dict[tuple[str, dt.date], list[int]] = {}
        self.received: dict[tuple[str, dt.date], int] = {}
        self.at: dt.date | None = None

    def sell(self, sales):
        for sold_on, sku, quantity in sales:
            self.sold.setdefault((sku, sold_on), []).append(quantity)

    def receive(self, gone, as_of):
        for _, sku, quantity, due, _ in gone:
            if due <= as_of:
                on = min(max(due, self.at or due), as_of - dt.timedelta(1))
                self.received[sku, on] = self.received.get((sku, on), 0) + quantity

    def roll(self, as_of, stock):
        current = self.at
        while current is not None and current < as_of:
            for sku in self.level:
                self.history[sku, current] = self.level[sku]
                quantities = self.sold.get((sku, current), [])
                back = -sum(quantity for quantity in quantities if quantity < 0)
                asked = sum(quantity for quantity in quantities if quantity > 0)
                self.level[sku] = max(0, self.level[sku] + self.received.get((sku, current), 0) + back - asked)
            current += dt.timedelta(1)
        self.at = as_of
        self.level |= stock
        for sku, level in self.level.items():
            self.history[sku, as_of] = level

    def opening(self, sku, on):
        while on >= START:
            if (sku, on) in self.history:
                return self.history[sku, on]
            on -= dt.timedelta(1)
        return 0


def _state_of(ledger):
    tables = ("stock_moves", "stock_statements", "purchase_order_lines", "daily_sales", "imports")
    return [ledger.rows(f"SELECT t::text FROM {table} AS t ORDER BY 1") for table in tables]
