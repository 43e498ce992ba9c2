"""Record files: operational tables given as files of their own names, merged by business key, faults by line."""

from __future__ import annotations

import psycopg
import pytest

from api.imports.folder import import_folder
from api.services.invariants import check_invariants

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


@pytest.fixture
def load(installation, tmp_path):
    """Import files as one more folder: load({"users.csv": ...}, is_quarantine=True) -> report."""
    number = iter(range(100))

    def _load(files, **options):
        folder = tmp_path / f"folder{next(number)}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        return import_folder(folder, installation.databases.operational, reports=tmp_path / "reports", **options)

    return _load


@pytest.fixture
def ask(installation):
    def _ask(query):
        with psycopg.connect(installation.databases.operational) as connection:
            return connection.execute(query).fetchall()

    return _ask


def later(day, **files):
    return {"chain.toml": f'as_of = "{day}"\n'} | {f"{name}.csv": text for name, text in files.items()}


def test_every_kind_of_record_loads_and_twice_changes_nothing(load, ask):
    report = load(FOLDER | {"stock_moves.csv": HISTORY})
    assert {each.name: each.rows - each.added for each in report.files if each.rows != each.added} == {}
    assert ask(
        "SELECT o.order_ref, o.status, u.username FROM sales_orders o LEFT JOIN users u ON user_id = salesperson_id"
        " ORDER BY 1"
    ) == [("O1", "delivered", "asha"), ("O2", "delivered", None)]
    assert ask("SELECT kind FROM prescription_eyes") == [("spectacle",)] * 2
    assert ask("SELECT order_weekdays FROM vendor_terms") == [([1, 4],)]
    assert ask("SELECT s.store_code FROM sales_returns JOIN stores s USING (store_id)") == [("S2",)]
    assert ask("SELECT credit_days FROM vendors") == [(45,)]
    assert ask("SELECT code FROM products JOIN tax_classes USING (tax_class_id)") == [("FRAME",)]
    again = load(FOLDER | {"stock_moves.csv": HISTORY, "brands.csv": "name,is_own\nOwn,true\n\n"})
    assert again.is_unchanged
    assert again.file("stock_moves").unchanged == 4


def test_what_came_by_files_breaks_no_invariant(load, installation):
    load(FOLDER | {"stock_moves.csv": HISTORY})
    with psycopg.connect(installation.databases.operational) as connection:
        assert {name: rows for name, rows in check_invariants(connection).items() if rows} == {}
