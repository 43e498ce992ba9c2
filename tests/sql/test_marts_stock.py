"""Stock, open orders and arrivals: the ledger as spans, the position at as_of, what a later run takes as received."""

from __future__ import annotations

SPANS = "from_on::VARCHAR, to_on::VARCHAR, on_hand_qty"
POSITION = "on_hand_qty, on_order_qty, stated_on::VARCHAR, is_rolled_forward"


def test_a_move_of_a_day_changes_the_next_opening(shop):
    shop.stock("2024-05-01", 10)
    shop.move("2024-05-03", -4)
    shop.move("2024-05-03", 1)
    shop.build("2024-05-15")
    assert shop.rows("fct_stock_daily", SPANS) == [("2024-05-01", "2024-05-03", 10), ("2024-05-04", None, 7)]


def test_days_that_end_as_they_began_do_not_split_a_span(shop):
    shop.stock("2024-05-01", 10)
    shop.move("2024-05-03", -4)
    shop.move("2024-05-03", 4)
    shop.build("2024-05-15")
    assert shop.rows("fct_stock_daily", SPANS) == [("2024-05-01", None, 10)]


def test_a_first_statement_of_nothing_is_known_stock_too(shop):
    shop.stock("2024-05-15", 0)
    shop.build("2024-05-15")
    assert shop.rows("fct_stock_daily", SPANS) == [("2024-05-15", None, 0)]
    assert shop.rows("fct_inventory_position", POSITION) == [(0, 0, "2024-05-15", False)]


def test_moves_from_as_of_on_are_not_seen(shop):
    shop.stock("2024-05-01", 10)
    shop.move("2024-05-15", -4)
    shop.build("2024-05-15")
    assert shop.rows("fct_inventory_position", "on_hand_qty") == [(10,)]


def test_a_transfer_leaves_one_store_and_reaches_the_other(shop):
    shop.store("B")
    shop.stock("2024-05-01", 10)
    shop.stock("2024-05-01", 1, "B/p")
    shop.add(
        "stock_moves", product_id=shop.key("product", "p"), quantity=3, moved_on="2024-05-02", kind="transfer",
        source_location_id=shop.locations["A"], destination_location_id=shop.locations["B"],
    )  # fmt: skip
    shop.build("2024-05-15")
    assert shop.rows("fct_inventory_position", "store_code, on_hand_qty") == [("A", 7), ("B", 4)]


def test_what_is_on_its_way_lies_on_no_shelf(shop):
    shop.store("B")
    shop.stock("2024-05-01", 10)
    shop.stock("2024-05-01", 1, "B/p")
    transit = shop.add("stock_locations", kind="transit", store_id=shop.key("store", "B"))
    for day, ends in (("2024-05-02", (shop.locations["A"], transit)), ("2024-05-15", (transit, shop.locations["B"]))):
        shop.add(
            "stock_moves", product_id=shop.key("product", "p"), quantity=3, moved_on=day, kind="transfer",
            source_location_id=ends[0], destination_location_id=ends[1],
        )  # fmt: skip
    shop.build("2024-05-15")
    assert shop.rows("fct_inventory_position", "store_code, on_hand_qty") == [("A", 7), ("B", 1)]
    shop.build("2024-05-16")
    assert shop.rows("fct_inventory_position", "store_code, on_hand_qty") == [("A", 7), ("B", 4)]


def test_a_pair_without_stock_has_no_position_but_its_arrivals(shop):
    shop.ordered("2024-05-20", 6)
    shop.build("2024-05-15")
    assert shop.rows("fct_inventory_position") == []
    assert shop.rows("fct_arrivals", "expected_on::VARCHAR, quantity") == [("2024-05-20", 6)]


def test_what_is_overdue_at_the_statement_still_arrives(shop):
    shop.stock("2024-05-15", 2)
    shop.ordered("2024-05-10", 3)
    shop.ordered("2024-05-15", 4)
    shop.ordered("2024-05-15", 5)
    shop.build("2024-05-15")
    assert shop.rows("fct_inventory_position", POSITION) == [(2, 12, "2024-05-15", False)]
    assert shop.rows("fct_arrivals", "expected_on::VARCHAR, quantity") == [("2024-05-10", 3), ("2024-05-15", 9)]


def test_a_run_for_a_later_day_rolls_the_ledger_forward(shop):
    shop.stock("2024-05-15", 2)
    shop.ordered("2024-05-10", 3)
    shop.ordered("2024-05-19", 4)
    shop.ordered("2024-05-20", 5)
    shop.sale("2024-05-16", 1)
    shop.build("2024-05-20")
    assert shop.rows("fct_inventory_position", POSITION) == [(2 - 1 + 3 + 4, 5, "2024-05-15", True)]
    assert shop.rows("fct_arrivals", "expected_on::VARCHAR, quantity") == [("2024-05-20", 5)]


def test_a_rolled_stock_is_never_below_nothing(shop):
    shop.stock("2024-05-15", 2)
    shop.sale("2024-05-16", 9)
    shop.build("2024-05-20")
    assert shop.rows("fct_inventory_position", "on_hand_qty") == [(0,)]


def test_a_pair_that_the_last_statement_left_out_stands_on_its_ledger(shop):
    shop.stock("2024-05-08", 9)
    shop.move("2024-05-10", -4, kind="sale")  # the import rolled it on
    shop.sale("2024-05-10", 4)
    shop.ordered("2024-05-14", 3)
    shop.build("2024-05-15")
    assert shop.rows("fct_inventory_position", POSITION) == [(5, 3, "2024-05-08", True)]


def test_an_approved_suggestion_counts_until_an_order_names_it(shop):
    shop.stock("2024-05-15", 1)
    named = shop.suggested("2024-05-22", 7)
    shop.suggested("2024-05-22", 2)
    shop.suggested("2024-05-22", 9, state="refused")
    shop.ordered("2024-05-23", 7, suggestion_id=named)
    shop.build("2024-05-15")
    assert shop.rows("fct_arrivals", "expected_on::VARCHAR, quantity") == [("2024-05-22", 2), ("2024-05-23", 7)]


def test_an_approved_suggestion_goes_on_counting_while_its_order_is_a_draft(shop):
    shop.stock("2024-05-15", 1)
    named = shop.suggested("2024-05-22", 7)
    order = shop.add("purchase_orders", order_ref="draft")
    shop.add(
        "purchase_order_lines", purchase_order_id=order, **shop.pair("A", "p"), state="draft", open_qty=0,
        received_qty=0, expected_on="2024-05-23", suggestion_id=named,
    )  # fmt: skip
    shop.build("2024-05-15")
    assert shop.rows("fct_arrivals", "expected_on::VARCHAR, quantity") == [("2024-05-22", 7)]


def test_an_approved_suggestion_that_a_later_statement_covers_is_over(shop):
    shop.stock("2024-05-15", 1)
    shop.suggested("2024-05-14", 7)
    shop.suggested("2024-05-15", 2)
    shop.build("2024-05-15")
    assert shop.rows("fct_arrivals", "quantity") == [(2,)]


def test_on_order_and_arrivals_agree(shop):
    shop.stock("2024-05-15", 1)
    for day, quantity in (("2024-05-14", 1), ("2024-05-16", 2), ("2024-05-30", 4)):
        shop.ordered(day, quantity)
    for as_of in ("2024-05-15", "2024-05-17", "2024-06-30"):
        shop.build(as_of)
        (on_order,) = shop.rows("fct_inventory_position", "on_order_qty")[0]
        assert on_order == sum(row[0] for row in shop.rows("fct_arrivals", "quantity"))
