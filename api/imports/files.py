"""The declaration of the planner's files, and of every file a chain folder may hold together with the record files.

Order matters: masters come before what refers to them. Holds no parsing and no SQL but row rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from api.imports.columns import BIGINT, INTEGER, Column, FileSpec, Reference, RowRule
from api.imports.records.derivation import record_files, referred_to, widen

STORES = Reference("stores", "stores", "store_code", "store_id", "store")
PRODUCTS = Reference("products", "products", "sku", "product_id", "sku")
VENDORS = Reference("vendors", "vendors", "vendor_code", "vendor_id", "vendor")

# the widest whole amounts that numeric(14, 4) and numeric(14, 2) hold
UNIT_MONEY = 9_999_999_999
MONEY = 999_999_999_999


def _store(is_required: bool = True, meaning: str = "the store") -> Column:
    return Column("store_code", "text", meaning, is_required=is_required, reference=STORES)


def _sku(is_required: bool = True, meaning: str = "the product") -> Column:
    return Column("sku", "text", meaning, is_required=is_required, reference=PRODUCTS)


def _vendor(is_required: bool) -> Column:
    return Column("vendor_code", "text", "who supplies it", is_required=is_required, reference=VENDORS)


def _name(code: str) -> Column:
    # a real chain has products that nobody named; the code is what people call those
    return Column("name", "text", "what people call it; empty = its code", is_required=True, default=f"s.{code}")


def _ends_after(start: str, end: str) -> RowRule:
    return RowRule(end, f"{end} < {start}", f"must not lie before {start}")


PLANNED: tuple[FileSpec, ...] = (
    FileSpec(
        name="stores",
        table="stores",
        meaning="the places that hold stock",
        key=("store_code",),
        columns=(
            Column("store_code", "text", "the store's code", is_required=True),
            _name("store_code"),
            Column("kind", "text", "a shop or a warehouse", choices=("store", "warehouse"), default="'store'"),
            Column("city", "text", "where it is"),
            Column("region", "text", "a grouping of stores"),
            Column("cluster", "text", "stores that sell alike"),
            Column("opened_on", "date", "first day of business"),
            Column("closed_on", "date", "last day of business"),
        ),
        row_rules=(_ends_after("opened_on", "closed_on"),),
    ),
    FileSpec(
        name="products",
        table="products",
        meaning="what is stocked and sold",
        key=("sku",),
        columns=(
            Column("sku", "text", "the product's code", is_required=True),
            _name("sku"),
            Column("category", "text", "the first grouping of products", is_required=True),
            Column("subcategory", "text", "the second grouping"),
            Column("brand", "text", "whose name it carries"),
            Column("unit_price", "decimal", "price of a unit, without tax", minimum=0, maximum=UNIT_MONEY),
            Column("unit_cost", "decimal", "cost of a unit", minimum=0, maximum=UNIT_MONEY),
            Column("tax_rate", "decimal", "share of tax on the price, 0 to 1", minimum=0, maximum=1),
            Column("launched_on", "date", "first day it could be sold"),
            Column("discontinued_on", "date", "last day it is ordered"),
            Column("attributes", "json", "anything else, as a JSON object"),
        ),
    ),
    FileSpec(
        name="vendors",
        table="vendors",
        meaning="who supplies",
        key=("vendor_code",),
        columns=(
            Column("vendor_code", "text", "the vendor's code", is_required=True),
            _name("vendor_code"),
        ),
    ),
    FileSpec(
        name="supply",
        table="supply_terms",
        meaning="who supplies what, how fast, in what lots",
        key=("sku", "vendor_code", "store_code"),
        columns=(
            _sku(),
            _vendor(is_required=True),
            Column("lead_time_days", "integer", "days from order to use", is_required=True, minimum=0, maximum=INTEGER),
            Column(
                "review_period_days", "integer", "days between orders", is_required=True, minimum=1, maximum=INTEGER
            ),
            _store(is_required=False, meaning="the store; empty = every store"),
            Column("lead_time_sd_days", "decimal", "standard deviation of the lead time", minimum=0, maximum=36_500),
            Column("moq", "integer", "least quantity of an order", minimum=1, maximum=INTEGER, default="1"),
            Column("pack_size", "integer", "orders are multiples of it", minimum=1, maximum=INTEGER, default="1"),
            Column("unit_cost", "decimal", "this vendor's cost of a unit", minimum=0, maximum=UNIT_MONEY),
        ),
    ),
    FileSpec(
        name="costs",
        table="cost_terms",
        meaning="what holding and missing a unit cost",
        key=("sku", "store_code"),
        columns=(
            _sku(is_required=False, meaning="the product; empty = every product"),
            _store(is_required=False, meaning="the store; empty = every store"),
            Column(
                "holding_cost_per_unit_week",
                "decimal",
                "cost of keeping a unit for a week",
                minimum=0,
                maximum=UNIT_MONEY,
            ),
            Column("shortage_cost_per_unit", "decimal", "cost of missing a unit", minimum=0, maximum=UNIT_MONEY),
            Column("service_level", "decimal", "wanted chance of no stock-out", minimum=0.0001, maximum=0.9999),
        ),
    ),
    FileSpec(
        name="assortment",
        table="assortment",
        meaning="which store carries what",
        key=("store_code", "sku", "from_date"),
        columns=(
            _store(),
            _sku(),
            Column("from_date", "date", "first day; empty = always", target="from_on"),
            Column("to_date", "date", "last day; empty = still", target="to_on"),
            Column("display_min", "integer", "units wanted on display", minimum=0, maximum=INTEGER),
        ),
        row_rules=(_ends_after("from_date", "to_date"),),
    ),
    FileSpec(
        name="sales",
        table="daily_sales",  # lines that carry an order go to sales_orders and sales_order_lines
        meaning="what was sold, or returned (negative)",
        key=("order_ref", "line_ref"),
        columns=(
            Column("sold_on", "date", "the business day; the Monday of a week in weekly history", is_required=True),
            _store(),
            _sku(),
            Column(
                "quantity",
                "integer",
                "units; negative = return",
                is_required=True,
                minimum=-INTEGER,
                maximum=INTEGER,
            ),
            Column("sold_at", "timestamp", "when; without an offset it is the chain's local time"),
            Column("net_amount", "decimal", "money for the line, without tax", minimum=-MONEY, maximum=MONEY),
            Column("order_ref", "text", "the order it belongs to"),
            Column("line_ref", "text", "the line of that order"),
            Column("customer_ref", "text", "a code for who bought"),
        ),
        row_rules=(
            RowRule("line_ref", "order_ref IS NOT NULL AND line_ref IS NULL", "is needed where order_ref is given"),
            RowRule("order_ref", "line_ref IS NOT NULL AND order_ref IS NULL", "is needed where line_ref is given"),
        ),
    ),
    FileSpec(
        name="availability",
        table="availability",
        meaning="spans in which an item could, or could not, be sold",
        key=("store_code", "sku", "from_date"),
        columns=(
            _store(),
            _sku(),
            Column("from_date", "date", "first day of the span", is_required=True, target="from_on"),
            Column("to_date", "date", "last day; empty = still so", target="to_on"),
            Column("in_stock", "boolean", "whether it could be sold", is_required=True, target="is_in_stock"),
        ),
        row_rules=(_ends_after("from_date", "to_date"),),
    ),
    FileSpec(
        name="stock",
        table="stock_statements",
        meaning="on hand at the opening of a day, before its receipts",
        key=("store_code", "sku", "as_of"),
        columns=(
            Column("as_of", "date", "the day whose opening it states", is_required=True),
            _store(),
            _sku(),
            Column("on_hand", "integer", "units", is_required=True, minimum=0, maximum=INTEGER),
        ),
    ),
    FileSpec(
        name="open_orders",
        table="purchase_order_lines",
        meaning="everything on order: a complete statement for the chain",
        key=("order_ref", "store_code", "sku"),
        columns=(
            Column("order_ref", "text", "the order", is_required=True),
            _store(),
            _sku(),
            Column("quantity", "integer", "units still to come", is_required=True, minimum=0, maximum=INTEGER),
            Column("expected_on", "date", "the day it can be used from", is_required=True),
            _vendor(is_required=False),
            Column("suggestion_id", "integer", "the suggestion it came from", minimum=1, maximum=BIGINT),
        ),
    ),
)
# the masters take every further column of their tables
FILES = tuple(widen(spec) if spec.name in ("stores", "products", "vendors") else spec for spec in PLANNED)
FIRST_FOLDER = ("stores", "products", "sales")


def list_files() -> tuple[str, ...]:
    """Names of the files a folder may hold, in the order in which they are loaded."""
    records = record_files()
    masters = referred_to(spec.table for spec in FILES)
    early = [name for name in records if name in masters]
    late = [name for name in records if name not in masters]
    statements = ("sales", "availability", "stock", "open_orders")
    planned = [spec.name for spec in FILES if spec.name not in statements]
    return (*early, *planned, *late, *statements)


def find_file(name: str) -> FileSpec:
    """The declaration of a file; KeyError when there is none."""
    for spec in FILES:
        if spec.name == name:
            return spec
    return record_files()[name].file


def describe_files() -> Iterator[tuple[str, str, str, str, str]]:
    """Rows (file, column, kind, required or not, meaning) of the planner's files, for the documentation."""
    for spec in PLANNED:
        for column in spec.columns:
            kind = " or ".join(column.choices) or column.kind
            yield spec.name, column.name, kind, "required" if column.is_required else "", column.meaning
