"""Each index is taken by a query of the services: by a filter of a list (test_index_filters.py), or by one of these.

`is_inside`: by a statement within a function or trigger of the database, whose plan nobody sees: scans are counted.
What runs nightly, by an import or within the pipeline runs as the owner of the tables, all else as the application.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path as File
from types import SimpleNamespace
from typing import Any, NamedTuple

import psycopg
import pytest

from api import schema
from api.identity.upkeep import forget_ended
from api.imports import orders as imported_orders
from api.services import (
    audit_integrity,
    order_lines,
    outbox_totals,
    privacy_erasure,
    purchasing_drafting,
    report_mail,
    retention,
)
from api.services.action import Action
from api.services.alert_pages import list_alerts, sum_up_alerts
from api.services.audit_search import Filter, search
from api.services.balances import Key
from api.services.consents import show_consents
from api.services.customers import find_customers, list_customers
from api.services.delivery import CLAIM
from api.services.discounts import check_discounts
from api.services.expenses import list_expenses
from api.services.ledger import lock_balances, reservations_of
from api.services.order_prices import offers_of
from api.services.orders import list_orders, show_order
from api.services.paging import Paging
from api.services.privacy_map import find_held
from api.services.products import list_products
from api.services.purchasing_invoices import RECEIVED
from api.services.stock_moves import PLACES
from api.services.suggestion_pages import list_suggestions, show_suggestion
from api.services.users_access import send_link
from pipelines.extract import Position, queries_of_changes
from pipelines.reports.due import CLAIM as CLAIM_PACK
from warehouse.contracts import contract

PAGE = Paging(50)
DAY = dt.date(2024, 6, 1)
BEFORE = Position("s", "900:900:", 900, 900, DAY)
STAGED = "CREATE TEMP TABLE staged_open_orders (order_ref text, store_code text, sku text, quantity integer,"
STAGED += " expected_on date, suggestion_id bigint, line integer) ON COMMIT DROP"


class Path(NamedTuple):
    """What takes an access path, and for whom: the stores in reach ("stores": two, "all", "records": one's own)."""

    work: Callable[[Action], Awaitable[Any]]
    of: str = "all"
    is_owner: bool = False
    is_inside: bool = False


def owner(work: Callable[[Action], Awaitable[Any]], *, is_inside: bool = False) -> Path:
    """What IMS does by itself."""
    return Path(work, "all", True, is_inside)


def changes(table: str) -> Path:
    """What the extract asks of a table."""
    rows, _ = queries_of_changes(contract(f"raw.{table}"), BEFORE)
    return owner(lambda action: action.execute(rows))


async def compare_open_orders(action: Action) -> None:
    """A statement of open orders is compared with what is open: the import's own SQL, with nothing stated."""
    asked: list[str] = []
    imported_orders._compare(SimpleNamespace(execute=asked.append))  # type: ignore[arg-type]
    await action.execute(STAGED)
    for statement in asked:
        await action.execute(statement)


async def check_discount(action: Action) -> None:
    order = {"sales_order_id": 7, "ordered_on": DAY}
    line = {"discount_share": 0, "created_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}
    await check_discounts(action, order, [line, {**line, "discount_share": 0.1}], ["MASS", "MASS"])


async def write_lines(action: Action) -> None:
    """Lines of a draft order are taken out of it, as `change_lines` does."""
    await action.execute(purchasing_drafting.DELETE_LINES, order_id=2, products=[1], cells=[None])


async def replace_lines(action: Action) -> None:
    order = {"sales_order_id": 7990, "store_id": 1, "ordered_on": dt.date(2024, 1, 1) + dt.timedelta(days=7990 // 60)}
    await order_lines.replace_lines(action, order, [], DAY)


async def offer(action: Action) -> None:
    await offers_of(action, 1, dt.date(2020, 2, 1), [(7, None)])


# tables that grow with the business: what is new in them is a few of their last pages
BLOCKS = re.compile(r'"ix_(\w+)_changed_xid", "changed_xid", postgresql_using="brin"')
MODELS = sorted(File(schema.__path__[0]).glob("*.py"))
GROWING = [table for file in MODELS for table in BLOCKS.findall(file.read_text(encoding="utf-8"))]
PATHS: Mapping[str, Path] = {f"ix_{table}_changed_xid": changes(table) for table in GROWING} | {
    "ix_alert_actions_alert_ref_alert_action_id": Path(lambda action: list_alerts(action, PAGE), of="stores"),
    "ix_alerts_day_on": Path(sum_up_alerts, of="stores"),
    "ix_audit_log_chain_no_chain_seq": owner(
        lambda action: action.rows(audit_integrity.FAULTS, chain=1, seq=0, hash=b"", shown=20)
    ),
    "ix_audit_log_entity_type_entity_id_at": Path(
        lambda action: search(action, Filter(entity_type="sales_order", entity_id="7"), PAGE)
    ),
    "ix_audit_log_user_id_at": Path(lambda action: search(action, Filter(user_id=7), PAGE)),
    "ix_audit_log_kind_at": Path(lambda action: search(action, Filter(kinds=["payment.refunded"]), PAGE)),
    "ix_cost_history_product_id_valid_from_on": Path(offer),
    "ix_customer_consents_customer_id_purpose": Path(lambda action: show_consents(action, 7)),
    "ix_customers_trigrams": Path(lambda action: find_customers(action, "1234567", 50), is_inside=True),
    "ix_deleted_rows_changed_xid": owner(
        lambda action: action.execute(queries_of_changes(contract("raw.daily_sales"), BEFORE)[1])
    ),
    "ix_discount_approvals_sales_order_id": Path(check_discount),
    "ix_discount_approvals_sales_order_line_id": Path(replace_lines, is_inside=True),
    "ix_expenses_submitted_by_expense_id": Path(lambda action: list_expenses(action, PAGE), of="records"),
    "ix_eye_test_queue_customer_id": Path(lambda action: find_held(action, 7)),
    "ix_eye_test_queue_patient_id": Path(lambda action: find_held(action, 7)),
    "ix_goods_receipt_lines_purchase_order_line_id": Path(write_lines, is_inside=True),
    "ix_idempotency_keys_created_at": owner(lambda action: retention.purge(action.connection)),
    "ix_lab_job_events_lab_job_id": Path(lambda action: find_held(action, 7)),
    "ix_lab_jobs_prescription_id": Path(lambda action: find_held(action, 7)),
    "ix_outbox_attachments_message_id": Path(
        lambda action: action.rows(report_mail.FILES, message="00000000-0000-0000-0000-000000000000")
    ),
    "ix_outbox_deliveries_message_id": Path(
        lambda action: action.execute(privacy_erasure.DELIVERIES, messages=["00000000-0000-0000-0000-000000000000"])
    ),
    "ix_outbox_messages_created_at": owner(lambda action: retention.purge(action.connection)),
    "ix_outbox_messages_dead": Path(lambda action: outbox_totals.read_outbox(action.connection)),
    "ix_outbox_messages_due": Path(lambda action: action.rows(CLAIM, lease=90, channels=["smtp"], at_once=10)),
    "ix_password_resets_user_id": Path(lambda action: send_link(action, 7, "u7", "u7@chain.example", "user.created")),
    "ix_prescriptions_eye_test_id": Path(lambda action: find_held(action, 7)),
    "ix_products_trigrams": Path(lambda action: list_products(action, PAGE, q="1234567"), is_inside=True),
    "ix_purchase_order_lines_open": owner(compare_open_orders),
    "ix_purchase_order_lines_suggestion_id": Path(lambda action: show_suggestion(action, 5)),
    "ix_rate_limits_expires_at": owner(lambda action: forget_ended(action.connection)),
    "ix_refresh_tokens_session_id": owner(lambda action: forget_ended(action.connection), is_inside=True),
    "ix_report_deliveries_wanted": owner(lambda action: action.rows(CLAIM_PACK, after=0, schedule=None)),
    "ix_sales_order_lines_prescription_id": Path(lambda action: find_held(action, 7)),
    "ix_sales_orders_created_by": Path(lambda action: list_orders(action, PAGE), of="records"),
    "ix_sales_orders_salesperson_id": Path(lambda action: list_orders(action, PAGE), of="records"),
    "ix_sales_orders_store_id_customer_id": Path(lambda action: list_customers(action, PAGE), of="stores"),
    "ix_sales_orders_patient_id": Path(lambda action: find_held(action, 7)),
    "ix_sales_return_lines_sales_order_line_id": Path(lambda action: show_order(action, 7)),
    "ix_stock_locations_store_id": Path(lambda action: action.value(PLACES, stores=[1])),
    "ix_stock_reservations_reference": Path(lambda action: reservations_of(action, "sales_order_line", [7])),
    "ix_stock_transfer_lines_suggestion_id": Path(lambda action: show_suggestion(action, 5)),
    "ix_suggestions_decided": Path(list_suggestions),
    "ix_suggestions_publication_id": Path(list_suggestions),
    "ix_user_sessions_expires_at": owner(lambda action: forget_ended(action.connection)),
    "ix_vendor_invoice_matches_goods_receipt_id": Path(lambda action: action.rows(RECEIVED, invoice_id=7, ids=[7])),
    "ix_walkouts_customer_id": Path(lambda action: find_held(action, 9)),
    "ix_walkouts_sales_order_id": Path(lambda action: find_held(action, 7)),
    "uq_stock_balances_key": Path(lambda action: lock_balances(action, [Key(7, 7)]), is_inside=True),
}
LISTS = tomllib.loads(File(__file__).with_name("index_lists.toml").read_text(encoding="utf-8"))
# an index that is a constraint's, or unique, states a rule, which test_schema_rules.py tries
INDEXES = """
    SELECT i.relname FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
     WHERE i.relnamespace = 'public'::regnamespace AND NOT i.relispartition AND NOT x.indisunique AND NOT x.indisprimary
       AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
"""


@pytest.mark.parametrize("index", sorted(PATHS))
def test_the_index_serves_its_query(plans, index):
    path = PATHS[index]
    planned, scanned = plans.look(path.work, path.of, is_owner=path.is_owner)
    assert index in (scanned if path.is_inside else planned)


def test_no_index_is_without_a_query(plans):
    with psycopg.connect(plans.url) as connection:
        there = {name for (name,) in connection.execute(INDEXES).fetchall()}
    filters = [case for lists in LISTS.values() for each in lists.values() for case in each.values()]
    served = {case["uses"] for case in filters if "uses" in case}
    assert there - served - set(PATHS) == set()
    assert len(served | set(PATHS)) >= 50


def test_each_index_says_what_it_is_for():
    """In the model, beside it: on its line, or on the one above it, which may speak for several."""
    silent = []
    for file in MODELS:
        is_told = False
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith(" " * 8) and line[8:9] not in (" ", ")"):
                is_index = line[8:].startswith("Index(")
                is_told = line[8] == "#" or (is_told and is_index)
            else:
                is_index = line.startswith("    __table_args__ = (Index(")
            if is_index and not is_told and "  # " not in line:
                silent.append(f"{file.name}:{number}")
    assert silent == []
