"""Orders, pairs, payments and the calendar by which they are compared."""

from __future__ import annotations

from decimal import Decimal


def test_an_order_lies_in_the_band_of_its_net_value(trade):
    for net in (0, 999.99, 1000, 149999, 150000):
        trade.order("2024-05-01 10:00:00+00", {"net_amount": net})
    trade.build("fct_orders")
    assert trade.rows("fct_orders", "net_amount::DOUBLE, band_number, price_band") == [
        (0.0, 1, "01: 0-1000"),
        (999.99, 1, "01: 0-1000"),
        (1000.0, 2, "02: 1000-2500"),
        (149999.0, 10, "10: 75000-150000"),
        (150000.0, 11, "11: 150000+"),
    ]


def test_a_chain_sets_its_own_bands(trade):
    trade.chain.add("chain_settings", key="price_bands", value="[0, 50]")
    trade.order("2024-05-01 10:00:00+00")
    trade.build("fct_orders")
    assert trade.rows("dim_price_band", "band_number, from_amount, below_amount") == [
        (1, Decimal(0), Decimal(50)),
        (2, Decimal(50), None),
    ]
    assert trade.rows("fct_orders", "band_number") == [(2,)]


def test_what_an_order_holds(trade):
    trade.chain.add(
        "product_contact_lenses", product_id=trade.chain.key("product", "box"), modality="DAILY", lenses_per_box=30
    )
    trade.order("2024-05-01 10:00:00+00", {"pair_group": 1}, {"sku": "case"})
    trade.order("2024-05-02 10:00:00+00", {"sku": "box"}, {"sku": "s"})
    trade.build("fct_orders")
    columns = "has_pair, has_accessory, has_solution, has_contact_lens, has_reusable_contact_lens"
    assert trade.rows("fct_orders", columns, "booked_on = '2024-05-01'") == [(True, True, False, False, False)]
    assert trade.rows("fct_orders", columns, "booked_on = '2024-05-02'") == [(False, False, True, True, False)]


def test_an_order_by_an_outside_prescription_says_so(trade):
    ours, theirs = trade.prescribe("2024-05-01"), trade.prescribe("2024-05-01", source="from_doctor")
    trade.order("2024-05-01 10:00:00+00", {"prescription_id": ours}, {"sku": "s"})
    trade.order("2024-05-02 10:00:00+00", {"prescription_id": ours}, {"prescription_id": theirs})
    trade.order("2024-05-03 10:00:00+00")
    trade.build("fct_orders")
    assert trade.rows("fct_orders", "booked_on::VARCHAR, prescription_source") == [
        ("2024-05-01", "tested_at_store"),
        ("2024-05-02", "from_doctor"),
        ("2024-05-03", None),
    ]


def test_records_of_one_mobile_number_are_one_customer(trade):
    first, second = trade.person("C", mobile="m"), trade.person("D", mobile="m")
    trade.order("2024-05-01 10:00:00+00", customer="D")
    trade.order("2024-05-02 10:00:00+00", customer="E")
    trade.build("dim_customer", "fct_orders")
    assert second != first
    assert trade.rows("fct_orders", "customer_id", "booked_on = '2024-05-01'") == [(first,)]
    assert trade.rows("dim_customer", "customer_pseudonym, record_count, order_count") == [("C", 2, 1), ("E", 1, 1)]


def test_two_pairs_within_thirty_days_are_several_pairs_of_one_customer(trade):
    pair = {"pair_group": 1}
    for customer, days in {"C": ("01-01", "01-31"), "D": ("01-01", "02-01"), "E": ("01-01",)}.items():
        for day in days:
            trade.order(f"2024-{day} 10:00:00+00", pair, customer=customer)
    trade.order("2024-01-01 10:00:00+00", pair, {"pair_group": 2}, customer=None)
    trade.build("fct_pairs", "dim_customer")
    names = {key: name for name, key in trade.people.items()}
    found = [(names.get(key), multi) for key, multi in trade.rows("fct_pairs", "customer_id, is_multi")]
    assert sorted(found, key=str) == [
        ("C", True), ("C", True), ("D", False), ("D", False), ("E", False), (None, True), (None, True),
    ]  # fmt: skip


def test_lenses_say_their_coating_and_kind_by_line_or_by_attribute(trade):
    stock, made = ("ar", '{"coating": "AR"}'), ("progressive", None)
    for sku, attributes in (stock, made, ("plain", '{"coating": "HARD"}')):
        trade.chain.product(sku, category="lens", attributes=attributes)
    trade.chain.add(
        "lens_lines", product_id=trade.chain.key("product", "progressive"), kind="PROGRESSIVE", coatings=["HC", "AR"]
    )
    trade.person("old", birth_year=1984)
    trade.person("young", birth_year=1985)
    for customer, sku in (("old", "progressive"), ("young", "ar"), ("C", "plain")):
        trade.order("2024-05-01 10:00:00+00", {"sku": sku, "pair_group": 1}, customer=customer)
    trade.build("fct_pairs")
    assert trade.rows("fct_pairs", "is_of_40_or_more, has_ar_coating, is_progressive") == [
        (False, True, False),
        (True, True, True),
        (None, False, False),
    ]


def test_money_for_an_order_of_the_day_and_for_an_old_balance(trade):
    order, _ = trade.order("2024-05-01 18:00:00+00")  # still the 1st in India
    pay = [("upi", 400, "05-01 18:29:00", "payment"), ("cash", 600, "05-03 04:00:00", "payment"),
           ("cash", 100, "05-04 04:00:00", "refund"), ("credit", 50, "05-04 04:00:00", "payment")]  # fmt: skip
    for method, amount, at, kind in pay:
        trade.chain.add(
            "payments", sales_order_id=order, method=method, amount=amount, received_at=f"2024-{at}+00", kind=kind
        )
    trade.build("fct_payments")
    assert trade.rows("fct_payments", "received_on::VARCHAR, method, amount::INT, is_money, is_same_day") == [
        ("2024-05-01", "upi", 400, True, True),
        ("2024-05-03", "cash", 600, True, False),
        ("2024-05-04", "cash", -100, True, False),
        ("2024-05-04", "credit", 50, False, False),
    ]


def test_days_near_diwali_lie_beside_those_near_the_diwali_before(trade):
    trade.chain.sale("2023-10-02", 1, pair="A/f")
    trade.build("dim_date", as_of="2024-05-15")
    wanted = "day_on IN ('2024-11-01', '2024-10-22', '2024-09-19', '2024-11-23', '2024-03-31', '2024-04-01')"
    columns = "day_on::VARCHAR, festival_lead_days, aligned_on::VARCHAR, fiscal_year"
    assert trade.rows("dim_date", columns, wanted) == [
        ("2024-03-31", None, "2023-04-02", "FY23-24"),
        ("2024-04-01", None, "2023-04-03", "FY24-25"),
        ("2024-09-19", None, "2023-09-21", "FY24-25"),
        ("2024-10-22", -10, "2023-11-02", "FY24-25"),
        ("2024-11-01", 0, "2023-11-12", "FY24-25"),
        ("2024-11-23", None, "2023-11-25", "FY24-25"),
    ]


def test_a_setting_of_null_is_the_usual_one(trade):
    columns = "festival, aligned_on::VARCHAR, fiscal_year"
    trade.build("dim_date", "dim_price_band")
    usual = trade.rows("dim_date", columns), trade.rows("dim_price_band", "price_band")
    for key in ("festivals", "price_bands"):
        trade.chain.add("chain_settings", key=key, value="null")
    trade.build("dim_date", "dim_price_band")
    assert (trade.rows("dim_date", columns), trade.rows("dim_price_band", "price_band")) == usual


def test_festivals_and_fiscal_year_are_the_chains_to_set(trade):
    trade.chain.add("chain_settings", key="fiscal_year_first_month", value="1")
    fair = '[{"name": "Fair", "day": "2023-06-01"}, {"name": "Fair", "day": "2024-06-10"}]'
    trade.chain.add("chain_settings", key="festivals", value=fair)
    trade.build("dim_date")
    columns = "festival, aligned_on::VARCHAR, fiscal_year"
    assert trade.rows("dim_date", columns, "day_on IN ('2024-06-09', '2024-11-01')") == [
        ("Fair", "2023-05-31", "FY2024"),
        (None, "2023-11-03", "FY2024"),
    ]
