"""Record files: operational tables given as files of their own names, merged by business key, faults by line."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import psycopg
import pytest

from api.imports.folder import import_folder
from api.imports.records.derivation import record_files
from api.imports.records.page import render_page
from api.imports.report import InvalidFolder
from api.services.invariants import check_invariants
from api.services.privacy_upkeep import retain_customers

CHAIN = 'name = "Chain"\ncurrency = "INR"\ntimezone = "Asia/Kolkata"\nas_of = "2024-04-15"\n'
ORDERS = "order_ref,store_code,ordered_on,customer_code,salesperson,status,subtotal_amount,discount_amount,"
ORDERS += "taxable_amount,tax_amount,total_amount\n"
LINES = "order_ref,store_code,line_ref,sku,sold_on,quantity,unit_price,discount_amount,net_amount,prescription_number\n"
FOLDER = {
    "chain.toml": CHAIN,
    "stores.csv": "store_code,name,legal_entity,state_code\nS1,One,OPT,27\nS2,Two,,\n",
    "products.csv": "sku,name,category,unit_price,mrp,tax_class,lifecycle\nP1,A,frames,100,120,FRAME,\nP2,B,x,,,,NEW\n",
    "vendors.csv": "vendor_code,name,kind,credit_days\nV1,V,international,45\n",
    "legal_entities.csv": "code,name,tax_number\nOPT,Optics,AAACE0000A\n",
    "tax_classes.csv": "code,name\nFRAME,Frames\n",
    "tax_rates.csv": "tax_class,rate,valid_from_on,valid_to_on\n"
    "FRAME,0.12,2017-07-01,2025-09-21\nFRAME,0.05,2025-09-22,\n",
    "categories.csv": "code,name,kind,tax_class\nframes,Frames,frame,FRAME\n",
    "brands.csv": "name,is_own\nOwn,true\n",
    "users.csv": "username,full_name\nasha,Asha\nravi,Ravi\n",
    "customers.csv": "customer_code,full_name,home_store_code,created_at\nC1,Meera,S1,2023-01-02 10:00\nC2,Dev,,\n",
    "patients.csv": "patient_ref,customer_code,full_name,born_on\nPT1,C1,Meera,1980-02-01\n",
    "eye_test_queue.csv": "store_code,queued_on,token,patient_ref,state,queued_at,started_at,completed_at\n"
    "S1,2024-04-01,1,PT1,completed,2024-04-01 10:00,2024-04-01 10:10,2024-04-01 10:30\n",
    "eye_tests.csv": "eye_test_ref,store_code,queued_on,token,patient_ref,optometrist,tested_on,started_at,"
    "completed_at,state,outcome\n"
    "ET1,S1,2024-04-01,1,PT1,ravi,2024-04-01,2024-04-01 10:10,2024-04-01 10:30,completed,new_rx\n",
    "prescriptions.csv": "prescription_number,version,patient_ref,store_code,eye_test_ref,source,kind,optometrist,"
    "prescribed_on,valid_until_on\n"
    "RX1,,PT1,S1,ET1,tested_at_store,spectacle,ravi,2024-04-01,2026-04-01\n",
    "prescription_eyes.csv": "prescription_number,eye,sph,cyl,axis,add\nRX1,right,-1.25,,,\nRX1,left,-1.50,-0.5,90,\n",
    "sales_orders.csv": ORDERS + "O1,S1,2024-04-01,C1,asha,delivered,100,10,90,0,90\nO2,S2,2024-04-02,,,,,,,,\n",
    "sales_order_lines.csv": LINES + "O1,S1,1,P1,2024-04-01,1,100,10,90,RX1\nO2,S2,1,P2,2024-04-02,2,,,,\n",
    "payments.csv": "payment_ref,order_ref,store_code,method,amount,received_at\nPAY1,O1,S1,cash,90,2024-04-01 11:00\n",
    "sales_returns.csv": "return_number,order_ref,store_code,order_store_code,returned_on,reason,taxable_amount,"
    "tax_amount,total_amount,created_by\nR1,O1,S2,S1,2024-04-05,tight,90,0,90,asha\n",
    "sales_return_lines.csv": "return_number,order_ref,store_code,line_ref,quantity,condition,taxable_amount,"
    "tax_amount\nR1,O1,S1,1,1,good,90,0\n",
    "lab_jobs.csv": "job_number,order_ref,store_code,pair_group,prescription_number,state,technician\n"
    "J1,O1,S1,1,RX1,pending,ravi\n",
    "lab_job_events.csv": "job_number,from_state,to_state,happened_at,username\nJ1,,pending,2024-04-01 12:00,ravi\n",
    "walkouts.csv": "walkout_ref,store_code,walked_out_on,walked_out_at,reason,sku,category,result,order_ref\n"
    "W1,S1,2024-04-01,2024-04-01 09:00,fit,P1,frames,converted,O1\n",
    "walk_in_counts.csv": "store_code,counted_on,walk_in_count\nS1,2024-04-01,12\n",
    "purchase_orders.csv": "order_ref,vendor_code,status,sent_at\nPO1,V1,received,2024-03-01 09:00\n",
    "purchase_order_lines.csv": "order_ref,store_code,sku,open_qty,expected_on,state,received_qty,ordered_qty\n"
    "PO1,S1,P1,0,2024-03-10,received,5,5\n",
    "goods_receipts.csv": "receipt_number,order_ref,store_code,received_on,state,accepted_at,created_by\n"
    "GR1,PO1,S1,2024-03-10,accepted,2024-03-10 10:00,asha\n",
    "goods_receipt_lines.csv": "receipt_number,order_ref,store_code,sku,received_qty,accepted_qty\nGR1,PO1,S1,P1,5,5\n",
    "stock_transfers.csv": "transfer_ref,from_store_code,to_store_code,status,requested_by,approved_by,approved_at,"
    "shipped_by,shipped_at\nT1,S1,S2,shipped,asha,ravi,2024-04-01 09:00,asha,2024-04-01 10:00\n",
    "stock_transfer_lines.csv": "transfer_ref,sku,requested_qty,approved_qty,shipped_qty\nT1,P1,1,1,1\n",
    "stock_counts.csv": "count_ref,store_code,status,opened_by,closed_by,closed_at\n"
    "SC1,S1,posted,asha,asha,2024-04-03 20:00\n",
    "stock_count_lines.csv": "count_ref,sku,counted_qty,expected_qty,counted_at\nSC1,P1,2,3,2024-04-03 19:00\n",
    "expense_categories.csv": "code,name\nrent,Rent\n",
    "expenses.csv": "expense_ref,store_code,expense_category,spent_on,amount,description,submitted_by\n"
    "X1,S1,rent,2024-04-01,1000,April,asha\n",
    "price_history.csv": "sku,store_code,unit_price,valid_from_on,valid_to_on\nP1,,90,2023-01-01,2023-12-31\n"
    "P1,,100,2024-01-01,\nP1,S1,95,2024-01-01,\n",
    "vendor_terms.csv": "vendor_code,order_weekdays,valid_from_on\nV1,1 4,2023-01-01\n",
    "customer_consents.csv": "customer_code,purpose,is_granted,source,recorded_at\n"
    "C1,marketing,true,store,2023-01-02 10:00\n",
}
MOVES = "moved_on,sku,quantity,kind,source,source_store_code,destination,destination_store_code,unit_cost\n"
HISTORY = (
    MOVES + "2024-03-10,P1,5,receipt,vendor,,store,S1,60\n2024-04-01,P1,1,sale,store,S1,customer,,\n"
    "2024-04-01,P1,1,transfer_ship,store,S1,transit,S2,\n2024-04-03,P1,1,count,store,S1,loss,,\n"
)


# whose rows are personal, and what people typed about them
TOLD = {
    "customers.csv": "customer_code,full_name,mobile,home_store_code\nC1,Meera Rao,+919812345678,S1\nC3,Ira,,\n",
    "patients.csv": "patient_ref,customer_code,full_name,born_on\nPT1,C1,Meera Rao,1980-02-01\n",
    "prescriptions.csv": "prescription_number,patient_ref,store_code,source,kind,doctor_name,prescribed_on,"
    "valid_until_on\nRX2,PT1,S1,from_doctor,spectacle,Dr Rao of Meera,2024-04-03,2026-04-03\n",
    "sales_orders.csv": ORDERS + "O1,S1,2024-04-01,C1,asha,delivered,100,10,90,0,90\n",
}


class Records:
    """An installation that folders are loaded into."""

    def __init__(self, url, path):
        self.url, self.path, self.number = url, path, 0

    def load(self, files, **options):
        """Import files as one more folder: load({"users.csv": ...}, is_quarantine=True) -> report."""
        self.number += 1
        folder = self.path / f"folder{self.number}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        return import_folder(folder, self.url, reports=self.path / "reports", **options)

    def ask(self, query):
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def on_hand(self):
        return self.ask(
            "SELECT l.kind, store_code, sku, on_hand FROM stock_balances JOIN stock_locations AS l USING (location_id)"
            " JOIN stores USING (store_id) JOIN products USING (product_id) WHERE on_hand <> 0 ORDER BY 1, 2, 3"
        )

    def broken(self):
        with psycopg.connect(self.url) as connection:
            return {name: rows for name, rows in check_invariants(connection).items() if rows}


TRANSFERRED = (
    "transfer_ref,from_store_code,to_store_code,status,requested_by,received_by,received_at\n"
    "T1,S1,S2,received,asha,ravi,2024-04-20 10:00\n"
)


@pytest.fixture
def records(installation, tmp_path):
    return Records(installation.databases.operational, tmp_path)


def later(day, **files):
    return {"chain.toml": f'as_of = "{day}"\n'} | {f"{name}.csv": text for name, text in files.items()}


def test_every_kind_of_record_loads_and_twice_changes_nothing(records):
    report = records.load(FOLDER | {"stock_moves.csv": HISTORY})
    assert {each.name: each.rows - each.added for each in report.files if each.rows != each.added} == {}
    orders = (
        "SELECT order_ref, status, username FROM sales_orders LEFT JOIN users ON user_id = salesperson_id ORDER BY 1"
    )
    assert records.ask(orders) == [("O1", "delivered", "asha"), ("O2", "delivered", None)]
    assert records.ask("SELECT kind FROM prescription_eyes") == [("spectacle",)] * 2
    assert records.ask("SELECT order_weekdays FROM vendor_terms") == [([1, 4],)]
    assert records.ask("SELECT store_code FROM sales_returns JOIN stores USING (store_id)") == [("S2",)]
    assert records.ask("SELECT credit_days FROM vendors") == [(45,)]
    assert records.ask("SELECT code FROM products JOIN tax_classes USING (tax_class_id)") == [("FRAME",)]
    assert records.ask("SELECT kind FROM categories ORDER BY code") == [("frame",), ("other",)]
    assert records.on_hand() == [("store", "S1", "P1", 2), ("transit", "S2", "P1", 1)]
    assert records.broken() == {}
    # other bytes, so that the rows themselves are compared
    again = records.load(FOLDER | {"stock_moves.csv": HISTORY, "brands.csv": "is_own,name\ntrue,Own\n"})
    assert again.is_unchanged
    assert again.file("stock_moves").unchanged == 4


def test_users_of_a_file_cannot_sign_in_and_those_who_can_are_left_alone(records, make_user):
    make_user(records.url, "asha", roles=("admin",))
    report = records.load(FOLDER)
    assert any("users.csv: 1 row(s) are of this system's own making" in warning for warning in report.warnings)
    assert records.ask("SELECT username, full_name, password_hash FROM users ORDER BY 1") == [
        ("asha", None, "not-a-hash"),
        ("ravi", "Ravi", "no password"),
    ]
    assert records.ask("SELECT count(*) FROM user_roles JOIN users USING (user_id) WHERE username = 'ravi'") == [(0,)]


def test_a_later_row_of_the_same_key_replaces(records):
    records.load(FOLDER)
    expense = "expense_ref,store_code,expense_category,spent_on,amount,description,submitted_by\n"
    files = later("2024-04-22", expenses=f"{expense}"
        "X1,S1,rent,2024-04-02,1100,April,asha\nX2,S1,rent,2024-04-20,10,Tea,asha\n",
        prescriptions="prescription_number,version,patient_ref,store_code,source,kind,optometrist,prescribed_on,"
        "valid_until_on\nRX1,2,PT1,S1,tested_at_store,spectacle,ravi,2024-04-20,2026-04-20\n"
        "RX1,3,PT1,S1,tested_at_store,spectacle,ravi,2024-04-21,2026-04-20\n",
        stock_transfers=TRANSFERRED)  # fmt: skip
    report = records.load(files)
    assert [(each.added, each.changed) for each in report.files[1:]] == [(1, 1), (0, 1), (2, 0)]
    assert records.ask("SELECT amount FROM expenses ORDER BY expense_ref") == [(1100,), (10,)]
    linked = (
        "SELECT n.version, o.version FROM prescriptions n JOIN prescriptions o ON o.prescription_id = n.supersedes_id"
    )
    assert records.ask(f"{linked} ORDER BY 1") == [(2, 1), (3, 2)]


FAULTS = {
    "unknown reference": ("patients", "patient_ref,customer_code,full_name\nPT9,C9,X\n",
        (2, "customer_code", "C9", "must be a customer that customers knows")),
    "unknown composite reference": ("payments", "payment_ref,order_ref,store_code,method,amount\nX,O1,S2,cash,1\n",
        (2, "order_ref", "O1, S2", "must be a order that sales_orders knows")),
    "half a reference": ("eye_tests", "eye_test_ref,store_code,queued_on,token,patient_ref,optometrist,tested_on\n"
        "E9,S1,2024-04-01,,PT1,ravi,2024-04-01\n", (2, "token", None, "is needed where queued_on is given")),
    "a choice": ("customers", "customer_code,kind\nC9,b2x\n", (2, "kind", "b2x", "must be one of b2c, b2b")),
    "a check": ("sales_orders", ORDERS + "O9,S1,2024-04-01,,,,100,10,95,0,95\n",
        (2, "taxable_amount", "95.00", "must hold: taxable_amount = subtotal_amount - discount_amount")),
    "a check by a function": ("payments", "payment_ref,order_ref,store_code,method,amount,reference\n"
        "X,O1,S1,card,1,4111111111111111\n", (2, "method", "card", "must hold: (method = 'upi'")),
    "a line's check": ("sales_order_lines", LINES + "O1,S1,9,P1,2024-04-01,1,100,10,91,\n",
        (2, "net_amount", "91.00", "must hold: net_amount = round(quantity * unit_price, 2) - discount_amount")),
    "a key twice": ("brands", "name\nX\nX\n",
        (3, "name", "X", "must be in the file once; the same key stands already in line 2")),
    "another key taken": ("legal_entities", "code,name,tax_number\nNEW,x,AAACE0000A\n",
        (2, "tax_number", "AAACE0000A", "must be of one row only")),
    "spans that overlap": ("price_history", "sku,unit_price,valid_from_on,valid_to_on\nP1,9,2023-06-01,2023-07-01\n",
        (2, "valid_from_on", "2023-06-01", "must not overlap")),
    "what never changes": ("sales_orders", "order_ref,store_code,ordered_on\nO1,S1,2024-04-03\n",
        (2, "ordered_on", "2024-04-03", "never changes once it is loaded")),
    "what was recorded": ("customer_consents", "customer_code,purpose,is_granted,source,recorded_at\n"
        "C1,marketing,false,store,2023-01-02 10:00\n", (2, None, None, "record what is so now")),
    "not given": ("walk_in_counts", "store_code,counted_on,walk_in_count\nS1,2024-04-02,\n",
        (2, "walk_in_count", None, "must be given")),
    "below zero": ("stock_moves", MOVES + "2024-04-02,P1,3,sale,store,S1,customer,,\n",
        (2, "quantity", "3", "the day would end with -1")),
    "after as_of": ("stock_moves", MOVES + "2024-04-22,P1,1,sale,store,S1,customer,,\n",
        (2, "moved_on", "2024-04-22", "must lie before 2024-04-22")),
    "an order given twice": ("sales", "sold_on,store_code,sku,quantity,order_ref,line_ref\n2024-04-01,S1,P1,1,O1,1\n",
        (2, "order_ref", "O1", "must not be an order that sales_orders gives too")),
}  # fmt: skip


def test_each_fault_names_its_line_column_value_and_rule(records):
    records.load(FOLDER | {"stock_moves.csv": HISTORY})
    found = {}
    for case, (name, text, _) in FAULTS.items():
        files = later("2024-04-22", **{name: text})
        if name == "sales":
            files["sales_orders.csv"] = FOLDER["sales_orders.csv"]
        with pytest.raises(InvalidFolder) as refused:
            records.load(files)
        found[case] = [
            (each.file, each.line, each.column, each.value, each.rule) for each in refused.value.report.faults
        ]
    for case, (name, _, (line, column, value, rule)) in FAULTS.items():
        assert found[case], case
        assert found[case][0][:4] == (f"{name}.csv", line, column, value), case
        assert rule in found[case][0][4], case
        assert len(found[case]) == 1, (case, found[case])
    assert records.ask("SELECT count(*) FROM imports") == [(1,)]


def test_a_master_of_the_planner_holds_the_rules_of_its_further_columns(records):
    products = FOLDER["products.csv"] + "P3,C,x,100,99,FRAME,\nP4,D,x,,,LENS,OLD\n"
    with pytest.raises(InvalidFolder) as refused:
        records.load(FOLDER | {"products.csv": products})
    said = [(each.line, each.column, each.rule) for each in refused.value.report.faults]
    assert (4, "mrp", "must hold: mrp >= unit_price") in said
    assert (5, "tax_class", "must be a tax class that tax_classes knows") in said
    assert {line for line, *_ in said} == {4, 5}


def test_quarantine_sets_bad_rows_aside_once_and_releases_them(records):
    files = FOLDER | {
        "customers.csv": "customer_code,full_name,kind\nC1,Meera,b2c\nC2,Secret,b2x\n",
        "patients.csv": "patient_ref,customer_code,full_name\nPT1,C1,Meera\nPT2,C2,Dev\n",
        "expenses.csv": "expense_ref,store_code,expense_category,spent_on,amount,description,submitted_by\n"
        "X1,S1,rent,2024-04-01,1000,April,asha\nX2,S2,rent,soon,10,Tea,asha\n",
    }
    with pytest.raises(InvalidFolder):
        records.load(files)
    report = records.load(files, is_quarantine=True)
    assert [(each.name, each.quarantined) for each in report.files if each.quarantined] == [
        ("customers.csv", 1), ("expenses.csv", 1), ("patients.csv", 1)]  # fmt: skip
    kept = "SELECT file, line, store_code, column_name, value, state FROM import_quarantine"
    assert records.ask(f"{kept} LEFT JOIN stores USING (store_id) ORDER BY 1") == [
        ("customers", 3, None, "kind", "b2x", "open"),
        ("expenses", 3, "S2", "spent_on", "soon", "open"),
        ("patients", 3, None, "customer_code", None, "open"),
    ]
    rows = dict(records.ask("SELECT file, row FROM import_quarantine"))
    assert rows["customers"] == {"kind": "b2x"}  # neither the name nor the code of a person
    assert rows["expenses"]["spent_on"] == "soon"
    assert "  set aside: expenses.csv, line 3, column spent_on, value 'soon': must be an ISO date" in report.to_text()
    again = records.load(files | {"brands.csv": "is_own,name\ntrue,Own\n"}, is_quarantine=True)
    assert again.is_unchanged
    assert records.ask("SELECT count(*) FROM import_quarantine") == [(3,)]
    good = files["expenses.csv"].splitlines()[0] + "\nX2,S2,rent,2024-04-02,10,Tea,asha\n"
    records.load(later("2024-04-22", expenses=good))
    assert records.ask("SELECT state FROM import_quarantine WHERE file = 'expenses'") == [("released",)]


def test_moves_that_take_too_much_are_set_aside(records):
    moves = HISTORY + "2024-04-05,P1,9,sale,store,S1,customer,,\n2024-04-06,P1,1,sale,store,S1,customer,,\n"
    report = records.load(FOLDER | {"stock_moves.csv": moves}, is_quarantine=True)
    assert report.file("stock_moves").quarantined == 1
    assert records.on_hand() == [("store", "S1", "P1", 1), ("transit", "S2", "P1", 1)]
    assert records.broken() == {}


STATEMENT = "as_of,store_code,sku,on_hand\n"


def test_a_statement_beside_moves_adds_only_the_difference(records):
    moves = HISTORY + "2024-04-01,P2,4,opening,opening,,store,S2,\n"
    files = FOLDER | {"stock_moves.csv": moves, "stock.csv": STATEMENT + "2024-04-15,S1,P1,2\n2024-04-15,S2,P2,3\n"}
    report = records.load(files)
    assert report.moves == {"count": 1}
    assert records.on_hand() == [("store", "S1", "P1", 2), ("store", "S2", "P2", 3), ("transit", "S2", "P1", 1)]
    # a later folder: its sales post nothing, its moves do, its statement says the rest
    files = later(
        "2024-04-22", sales_orders="order_ref,store_code,ordered_on\nO3,S1,2024-04-16\n",
        sales_order_lines="order_ref,store_code,line_ref,sku,sold_on,quantity\nO3,S1,1,P1,2024-04-16,2\n",
        stock_moves=MOVES + "2024-04-16,P1,1,sale,store,S1,customer,,\n"
        "2024-04-17,P1,1,transfer_receive,transit,S2,store,S2,\n",
        stock_transfers=TRANSFERRED, stock_transfer_lines="transfer_ref,sku,requested_qty,received_qty\nT1,P1,1,1\n",
        stock=STATEMENT + "2024-04-22,S1,P1,1\n2024-04-22,S2,P1,1\n2024-04-22,S2,P2,3\n",
    )  # fmt: skip
    report = records.load(files)
    assert report.moves == {}
    assert records.on_hand() == [("store", "S1", "P1", 1), ("store", "S2", "P1", 1), ("store", "S2", "P2", 3)]
    assert records.load(files).is_unchanged
    assert records.broken() == {}


def test_orders_without_moves_take_from_the_ledger(records):
    records.load(FOLDER | {"stock.csv": STATEMENT + "2024-04-15,S1,P1,5\n"})
    lines = "order_ref,store_code,line_ref,sku,sold_on,quantity\nO3,S1,1,P1,2024-04-16,2\nO4,S1,1,P1,2024-04-16,1\n"
    orders = "order_ref,store_code,ordered_on,status\nO3,S1,2024-04-16,\nO4,S1,2024-04-16,cancelled\n"
    records.load(later("2024-04-22", sales_orders=orders, sales_order_lines=lines))
    assert records.on_hand() == [("store", "S1", "P1", 3)]
    # a correction of a day that the ledger has passed
    records.load(later("2024-04-23", sales_order_lines=lines.replace("2024-04-16,2", "2024-04-16,1")))
    assert records.on_hand() == [("store", "S1", "P1", 4)]
    assert records.broken() == {}


def test_the_page_of_record_files_is_up_to_date():
    path = Path(__file__).parents[2] / "docs" / "import-records.md"
    assert path.read_text(encoding="utf-8") == render_page()
    assert {"users", "customers", "sales_orders", "stock_moves"} <= set(record_files())
    assert not {"user_roles", "audit_log", "stock_balances", "stock_reservations", "suggestions"} & set(record_files())


def test_an_import_does_not_bring_back_who_was_erased(records):
    records.load(FOLDER | {"stock_moves.csv": HISTORY})
    asyncio.run(retain_customers(records.url, dt.date(2040, 1, 1)))
    who = "SELECT customer_code LIKE 'erased-%', full_name, mobile FROM customers ORDER BY customer_id"
    assert records.ask(who) == [(True, None, None)] * 2
    before = records.ask("SELECT order_ref, customer_id, total_amount FROM sales_orders ORDER BY 1")
    again = records.load(FOLDER | TOLD | {"stock_moves.csv": HISTORY})
    assert records.ask(who) == [(True, None, None)] * 2 + [(False, "Ira", None)]
    assert records.ask("SELECT full_name, born_on FROM patients") == [(None, None)]
    assert records.ask("SELECT doctor_name FROM prescriptions WHERE prescription_number = 'RX2'") == [(None,)]
    assert records.ask("SELECT reason FROM sales_returns") == [("…",)]
    assert records.ask("SELECT order_ref, customer_id, total_amount FROM sales_orders ORDER BY 1") == before
    said = [line for line in again.warnings if "erased" in line]
    assert said == [
        "customers.csv: 1 row(s) of people who were erased are left out; they stay erased",
        "patients.csv: 1 row(s) of people who were erased are left out; they stay erased",
    ]
    (hashed,) = records.ask("SELECT erased_code_hash FROM customers ORDER BY customer_id LIMIT 1")
    assert "C1" not in hashed[0]
    assert records.broken() == {}


def test_a_planner_s_sales_name_the_erased_by_their_pseudonym(records):
    sales = "sold_on,store_code,sku,quantity,net_amount,order_ref,line_ref,customer_ref\n"
    sales += "2024-04-0{0},S1,P1,1,90,O{0},1,C1\n"
    plain = {name: FOLDER[name] for name in ("chain.toml", "stores.csv", "products.csv", "tax_classes.csv")}
    plain["stores.csv"], plain["products.csv"] = "store_code,name\nS1,One\n", "sku,name,category\nP1,A,frames\n"
    records.load(plain | {"sales.csv": sales.format(1)})
    asyncio.run(retain_customers(records.url, dt.date(2040, 1, 1)))
    records.load(plain | {"sales.csv": sales.format(1) + "2024-04-02,S1,P1,1,90,O2,1,C1\n"})
    whose = "SELECT order_ref, customer_code LIKE 'erased-%' FROM sales_orders JOIN customers USING (customer_id)"
    assert records.ask(f"{whose} ORDER BY 1") == [("O1", True), ("O2", True)]
    assert records.ask("SELECT count(*) FROM customers") == [(1,)]
