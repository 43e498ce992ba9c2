# ruff: noqa: E501  (a condition is one line)
"""The entities of an optical chain: organisation, catalogue, people, eyes, sales, workshop, supply, money, settings.

Orders get the business day they came to be, and their lines move, as they are, into a table partitioned by its month.
Search rests on functions beside the migrations: `functions/search.sql`; so does the refusal of card numbers.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint

from api.migrations.tracking import track

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FUNCTIONS = Path(__file__).parents[1] / "functions"
KEYS = {
    "brands": "brand_id",
    "discount_caps": "discount_cap_id",
    "expense_categories": "expense_category_id",
    "legal_entities": "legal_entity_id",
    "tax_classes": "tax_class_id",
    "categories": "category_id",
    "chain_settings": "chain_setting_id",
    "legal_entity_registrations": "legal_entity_registration_id",
    "tax_rates": "tax_rate_id",
    "vendor_invoices": "vendor_invoice_id",
    "vendor_terms": "vendor_term_id",
    "display_fixtures": "display_fixture_id",
    "expenses": "expense_id",
    "sales_targets": "sales_target_id",
    "store_categories": "store_category_id",
    "vendor_returns": "vendor_return_id",
    "walk_in_counts": "walk_in_count_id",
    "cost_history": "cost_history_id",
    "customer_consents": "customer_consent_id",
    "display_placements": "display_placement_id",
    "goods_receipts": "goods_receipt_id",
    "lens_lines": "lens_line_id",
    "patients": "patient_id",
    "price_history": "price_history_id",
    "product_contact_lenses": "product_id",
    "product_frames": "product_id",
    "vendor_return_lines": "vendor_return_line_id",
    "eye_test_queue": "eye_test_queue_id",
    "lens_line_prices": "lens_line_price_id",
    "vendor_invoice_matches": "vendor_invoice_match_id",
    "eye_tests": "eye_test_id",
    "goods_receipt_lines": "goods_receipt_line_id",
    "sales_returns": "sales_return_id",
    "walkouts": "walkout_id",
    "exchanges": "exchange_id",
    "prescriptions": "prescription_id",
    "lab_jobs": "lab_job_id",
    "prescription_eyes": "prescription_eye_id",
    "discount_approvals": "discount_approval_id",
    "lab_job_events": "lab_job_event_id",
    "non_adapts": "non_adapt_id",
    "remakes": "remake_id",
    "sales_return_lines": "sales_return_line_id",
}
# in the order they are made
TABLES = (
    "brands",
    "discount_caps",
    "expense_categories",
    "legal_entities",
    "tax_classes",
    "categories",
    "chain_settings",
    "data_exports",
    "legal_entity_registrations",
    "saved_views",
    "tax_rates",
    "vendor_invoices",
    "vendor_terms",
    "display_fixtures",
    "expenses",
    "sales_targets",
    "store_categories",
    "vendor_returns",
    "walk_in_counts",
    "cost_history",
    "customer_consents",
    "display_placements",
    "goods_receipts",
    "lens_lines",
    "patients",
    "price_history",
    "product_contact_lenses",
    "product_frames",
    "vendor_return_lines",
    "eye_test_queue",
    "lens_line_prices",
    "vendor_invoice_matches",
    "eye_tests",
    "goods_receipt_lines",
    "sales_returns",
    "walkouts",
    "exchanges",
    "prescriptions",
    "lab_jobs",
    "prescription_eyes",
    "lab_job_events",
    "non_adapts",
    "remakes",
)
COLUMNS = {
    "payments": ("kind", "received_by"),
    "sales_orders": (
        "ordered_on",
        "order_number",
        "patient_id",
        "salesperson_id",
        "channel",
        "kind",
        "confirmed_at",
        "ready_at",
        "delivered_at",
        "cancelled_at",
        "cancel_reason",
        "expected_on",
        "invoice_number",
        "invoiced_on",
        "subtotal_amount",
        "discount_amount",
        "taxable_amount",
        "tax_amount",
        "total_amount",
        "place_of_supply",
        "created_by",
        "version",
    ),
    "purchase_order_lines": ("lens_cell_id", "ordered_qty", "rejected_qty", "cancelled_qty", "unit_price"),
    "purchase_orders": (
        "status",
        "delivery_store_id",
        "created_by",
        "approved_by",
        "approved_at",
        "sent_at",
        "expected_on",
        "note",
        "version",
    ),
    "vendors": ("kind", "tax_registration", "credit_days", "quoted_lead_time_days", "email", "is_active"),
    "products": (
        "barcode",
        "hsn_code",
        "tax_class_id",
        "mrp",
        "discount_class",
        "lifecycle",
        "style_code",
        "model",
        "colour_code",
        "colour_name",
        "size_label",
        "gender",
        "is_active",
        "is_serialised",
        "is_batch_tracked",
        "is_transfer_excluded",
        "is_never_reordered",
    ),
    "customers": (
        "kind",
        "full_name",
        "mobile",
        "email",
        "tax_registration",
        "city",
        "home_store_id",
        "erased_at",
        "pseudonym",
    ),
    "stores": (
        "legal_entity_id",
        "brand",
        "state_code",
        "floor_area_sqft",
        "frame_board_capacity",
        "is_online",
        "is_head_office",
    ),
}
# what rests on older columns alone, and so would stay
INDEXES = (
    "ix_purchase_orders_vendor_id_purchase_order_id",
    "ix_purchase_order_lines_suggestion_id",
    "ix_sales_orders_store_id_sales_order_id",
    "ix_sales_orders_customer_id_sales_order_id",
    "ix_sales_orders_open",
    "ix_products_brand",
    "ix_suggestions_decided",
    "ix_supply_terms_vendor_id_supply_term_id",
)
CONSTRAINTS = {
    "payments": ("ck_payments_amount", "ck_payments_no_card_number", "ck_payments_reference"),
    "products": ("fk_products_brand", "fk_products_category"),
    "purchase_order_lines": ("ck_purchase_order_lines_state",),
}
COLUMNS_BEFORE = (
    "sales_order_line_id, sales_order_id, line_ref, product_id, sold_on, sold_at, quantity, net_amount,"
    " created_at, updated_at, changed_xid"
)


# never changed or removed once written
APPEND_ONLY = ("customer_consents", "lab_job_events", "data_exports")
# a month of a few lines lies as well in the default partition
LINES_OF_A_MONTH = 1000
SETTINGS = (
    ("adjustment_approval_limit_units", "5", "An adjustment of more units needs a second person"),
    ("adjustment_approval_limit_amount", "5000", "An adjustment worth more, at cost, needs a second person"),
    ("purchase_approval_limit", "50000", "A buyer approves purchase orders up to this amount"),
    ("expense_approval_limit", "5000", "A store manager approves expenses up to this amount"),
    ("transfer_needs_approval", "true", "A transfer between stores is approved before it is picked"),
    ("transfer_days_to_receive", "7", "Days after which goods in transit are overdue"),
    ("suggestion_days_to_decide", "7", "Days after which a suggestion nobody decided expires"),
    ("prescription_valid_days", "730", "Days for which a new prescription is valid"),
    ("customer_retention_years", "8", "Years without any activity after which a customer is erased"),
    ("non_adapt_days", "45", "Days after delivery in which a wearer may say that a pair does not suit"),
)
# role: largest discount on MASS, PREMIUM, LUXURY, SERVICE
DISCOUNT_CAPS = {
    "superadmin": (1, 1, 1, 1),
    "admin": (1, 1, 1, 1),
    "manager": (0.15, 0.20, 0.05, 0.20),
    "staff": (0.10, 0.10, 0.05, 0.10),
    "buyer": (0, 0, 0, 0),
    "accountant": (0, 0, 0, 0),
    "analyst": (0, 0, 0, 0),
}
EXPENSE_CATEGORIES = (
    "travel", "food", "courier", "repairs", "office_supplies", "client_related", "petty_cash", "other",
)  # fmt: skip


def upgrade() -> None:
    for name in ("search", "cards"):
        op.execute((FUNCTIONS / f"{name}.sql").read_text(encoding="utf-8"))
    _create_tables()
    _extend_stores()
    _extend_customers()
    _name_masters()
    _extend_products()
    _extend_vendors()
    _extend_purchase_orders()
    _extend_purchase_order_lines()
    _date_orders()
    _extend_sales_orders()
    _extend_payments()
    _index_plans()
    _partition_lines()
    _create_tables_of_lines()
    for table, key in KEYS.items():
        track(table, key)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION ims_refuse('what was recorded stays; record what is so now')"
        )
    _fill()


def downgrade() -> None:
    for table in ("discount_approvals", "sales_return_lines"):
        op.drop_table(table)
    _join_lines()
    op.execute("DROP TRIGGER name_masters ON products")
    for index in INDEXES:
        op.drop_index(index)
    op.alter_column("payments", "received_at", server_default=None)
    for table, columns in COLUMNS.items():
        for constraint in CONSTRAINTS.get(table, ()):
            op.drop_constraint(op.f(constraint), table)
        for column in columns:
            op.drop_column(table, column)
    op.create_unique_constraint(
        op.f("uq_purchase_order_lines_purchase_order_id_store_id_product_id"),
        "purchase_order_lines",
        ["purchase_order_id", "store_id", "product_id"],
    )
    op.create_check_constraint(
        op.f("ck_purchase_order_lines_state"), "purchase_order_lines", "state IN ('open', 'received', 'cancelled')"
    )
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute(
        """
        DROP FUNCTION ims_name_masters();
        DROP FUNCTION ims_find_products(text, integer);
        DROP FUNCTION ims_find_customers(text, integer);
        DROP FUNCTION ims_find(regclass, name, text, text, text, integer);
        DROP FUNCTION ims_trigrams_in_order(text, boolean);
        DROP FUNCTION ims_trigrams(text);
        DROP FUNCTION ims_product_text(text, text, text, text, text);
        DROP FUNCTION ims_customer_text(text, text, text, text);
        DROP FUNCTION ims_code_words(text);
        DROP FUNCTION ims_words(text);
        DROP FUNCTION ims_looks_like_card(text);
        """
    )


def _name_masters() -> None:
    """Categories and brands that products name already, and a trigger that adds those they name first."""
    op.execute(
        """
        INSERT INTO categories (code, name) SELECT DISTINCT category, category FROM products ORDER BY 1;
        INSERT INTO brands (name) SELECT DISTINCT brand FROM products WHERE brand IS NOT NULL ORDER BY 1;

        CREATE FUNCTION ims_name_masters() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM categories WHERE code = NEW.category) THEN
                INSERT INTO categories (code, name) VALUES (NEW.category, NEW.category) ON CONFLICT (code) DO NOTHING;
            END IF;
            IF NEW.brand IS NOT NULL AND NOT EXISTS (SELECT FROM brands WHERE name = NEW.brand) THEN
                INSERT INTO brands (name) VALUES (NEW.brand) ON CONFLICT (name) DO NOTHING;
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER name_masters BEFORE INSERT OR UPDATE OF category, brand ON products
            FOR EACH ROW EXECUTE FUNCTION ims_name_masters();
        """
    )


def _date_orders() -> None:
    """An order came to be on the day of its first line; for the warehouse nothing changes, so nothing is touched."""
    op.add_column("sales_orders", sa.Column("ordered_on", sa.Date))
    op.execute(
        """
        ALTER TABLE sales_orders DISABLE TRIGGER touch;
        UPDATE sales_orders AS o SET ordered_on = coalesce(
            (SELECT min(sold_on) FROM sales_order_lines AS l WHERE l.sales_order_id = o.sales_order_id),
            (SELECT (o.created_at AT TIME ZONE timezone)::date FROM chain), o.created_at::date);
        ALTER TABLE sales_orders ENABLE TRIGGER touch;
        ALTER TABLE sales_orders ALTER ordered_on SET NOT NULL;
        """
    )


def _partition_lines() -> None:
    _set_lines_aside()
    _create_lines()
    op.execute("SELECT ims_make_partitions('sales_order_lines', NULL, NULL)")
    op.execute(
        f"""
        SELECT ims_make_partitions('sales_order_lines', month, month)
          FROM (SELECT date_trunc('month', ordered_on)::date AS month
                  FROM lines_before JOIN sales_orders USING (sales_order_id)
                 GROUP BY 1 HAVING count(*) >= {LINES_OF_A_MONTH} ORDER BY 1) AS months
        """
    )
    _bring_lines_back(f"{COLUMNS_BEFORE}, ordered_on", "lines_before JOIN sales_orders USING (sales_order_id)")
    track("sales_order_lines", "sales_order_line_id")
    # the default partition and the months were made before the table had its triggers
    op.execute("SELECT ims_make_partitions('sales_order_lines', NULL, NULL)")


def _join_lines() -> None:
    _set_lines_aside()
    op.create_table(
        "sales_order_lines",
        sa.Column("sales_order_line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_ref", sa.String(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sold_on", sa.Date(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("net_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        *_tracked(),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_sales_order_lines_product_id")),
        sa.ForeignKeyConstraint(
            ["sales_order_id"], ["sales_orders.sales_order_id"], name=op.f("fk_sales_order_lines_sales_order_id")
        ),
        sa.PrimaryKeyConstraint("sales_order_line_id", name=op.f("pk_sales_order_lines")),
        sa.UniqueConstraint("sales_order_id", "line_ref", name=op.f("uq_sales_order_lines_sales_order_id_line_ref")),
    )
    op.create_index("ix_sales_order_lines_changed_xid", "sales_order_lines", ["changed_xid"], postgresql_using="brin")
    _bring_lines_back(COLUMNS_BEFORE, "lines_before")
    track("sales_order_lines", "sales_order_line_id")


def _set_lines_aside() -> None:
    """The rows into a table of their own; the name, and those of the constraints, are free then."""
    op.execute("CREATE TEMP TABLE lines_before ON COMMIT DROP AS SELECT * FROM sales_order_lines")
    op.drop_table("sales_order_lines")


def _bring_lines_back(columns: str, source: str) -> None:
    """With their keys and the transactions that wrote them: to the extract they are the rows they were."""
    names = ", ".join(f"{source.split()[0]}.{name}" if name != "ordered_on" else name for name in columns.split(", "))
    op.execute(
        f"INSERT INTO sales_order_lines ({columns}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {source} ORDER BY 1"
    )
    op.execute(
        "SELECT setval(pg_get_serial_sequence('sales_order_lines', 'sales_order_line_id'),"
        " max(sales_order_line_id)) FROM lines_before HAVING max(sales_order_line_id) IS NOT NULL"
    )


def _fill() -> None:
    """What a service finds in place: settings, caps, kinds of expense."""
    for key, value, description in SETTINGS:
        op.execute(
            sa.text(
                "INSERT INTO chain_settings (key, value, description) VALUES (:key, cast(:value AS jsonb), :text)"
            ).bindparams(key=key, value=value, text=description)
        )
    for role, caps in DISCOUNT_CAPS.items():
        for discount_class, cap in zip(
            ("MASS", "PREMIUM", "LUXURY", "SERVICE", "NON_DISCOUNTABLE"), (*caps, 0), strict=True
        ):
            op.execute(
                sa.text(
                    "INSERT INTO discount_caps (role, discount_class, cap_share) VALUES (:role, :class, :cap)"
                ).bindparams(**{"role": role, "class": discount_class, "cap": cap})
            )
    for code in EXPENSE_CATEGORIES:
        op.execute(
            sa.text("INSERT INTO expense_categories (code, name) VALUES (:code, :name)").bindparams(
                code=code, name=code.replace("_", " ").capitalize()
            )
        )


def _tracked() -> tuple[sa.Column[object], ...]:
    """The columns of every table the extract may read; `track` puts the triggers that keep them."""
    return (
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "changed_xid",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text::bigint)"),
            nullable=False,
        ),
    )


def _create_tables() -> None:
    op.create_table(
        "brands",
        sa.Column("brand_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_own", sa.Boolean(), server_default="false", nullable=False),
        *_tracked(),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_brands")),
        sa.UniqueConstraint("name", name=op.f("uq_brands_name")),
    )
    op.create_table(
        "discount_caps",
        sa.Column("discount_cap_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("discount_class", sa.String(), nullable=False),
        sa.Column("cap_share", sa.Numeric(precision=6, scale=4), nullable=False),
        *_tracked(),
        sa.CheckConstraint(
            "discount_class <> 'NON_DISCOUNTABLE' OR cap_share = 0", name=op.f("ck_discount_caps_never_discounted")
        ),
        sa.CheckConstraint(
            "discount_class IN ('MASS', 'PREMIUM', 'LUXURY', 'SERVICE', 'NON_DISCOUNTABLE')",
            name=op.f("ck_discount_caps_discount_class"),
        ),
        sa.CheckConstraint(
            "role IN ('superadmin', 'admin', 'buyer', 'manager', 'accountant', 'analyst', 'staff')",
            name=op.f("ck_discount_caps_role"),
        ),
        sa.CheckConstraint("cap_share BETWEEN 0 AND 1", name=op.f("ck_discount_caps_cap_share")),
        sa.PrimaryKeyConstraint("discount_cap_id", name=op.f("pk_discount_caps")),
        sa.UniqueConstraint("role", "discount_class", name=op.f("uq_discount_caps_role_discount_class")),
    )
    op.create_table(
        "expense_categories",
        sa.Column("expense_category_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        *_tracked(),
        sa.CheckConstraint("code <> ''", name=op.f("ck_expense_categories_code")),
        sa.PrimaryKeyConstraint("expense_category_id", name=op.f("pk_expense_categories")),
        sa.UniqueConstraint("code", name=op.f("uq_expense_categories_code")),
    )
    op.create_table(
        "legal_entities",
        sa.Column("legal_entity_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("tax_number", sa.String(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("code <> ''", name=op.f("ck_legal_entities_code")),
        sa.CheckConstraint("tax_number <> ''", name=op.f("ck_legal_entities_tax_number")),
        sa.PrimaryKeyConstraint("legal_entity_id", name=op.f("pk_legal_entities")),
        sa.UniqueConstraint("code", name=op.f("uq_legal_entities_code")),
        sa.UniqueConstraint("tax_number", name=op.f("uq_legal_entities_tax_number")),
    )
    op.create_table(
        "tax_classes",
        sa.Column("tax_class_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        *_tracked(),
        sa.CheckConstraint("code <> ''", name=op.f("ck_tax_classes_code")),
        sa.PrimaryKeyConstraint("tax_class_id", name=op.f("pk_tax_classes")),
        sa.UniqueConstraint("code", name=op.f("uq_tax_classes_code")),
    )
    op.create_table(
        "categories",
        sa.Column("category_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="other", nullable=False),
        sa.Column("hsn_code", sa.String(), nullable=True),
        sa.Column("tax_class_id", sa.BigInteger(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), server_default="true", nullable=False),
        *_tracked(),
        sa.CheckConstraint("hsn_code ~ '^[0-9]{4,8}$'", name=op.f("ck_categories_hsn_code")),
        sa.CheckConstraint(
            "kind IN ('frame', 'sunglass', 'lens', 'contact_lens', 'solution', 'accessory', 'service', 'eye_test', 'other')",
            name=op.f("ck_categories_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["tax_class_id"], ["tax_classes.tax_class_id"], name=op.f("fk_categories_tax_class_id")
        ),
        sa.PrimaryKeyConstraint("category_id", name=op.f("pk_categories")),
        sa.UniqueConstraint("code", name=op.f("uq_categories_code")),
    )
    op.create_table(
        "chain_settings",
        sa.Column("chain_setting_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("key ~ '^[a-z][a-z0-9_]*$'", name=op.f("ck_chain_settings_key")),
        sa.ForeignKeyConstraint(["updated_by"], ["users.user_id"], name=op.f("fk_chain_settings_updated_by")),
        sa.PrimaryKeyConstraint("chain_setting_id", name=op.f("pk_chain_settings")),
        sa.UniqueConstraint("key", name=op.f("uq_chain_settings_key")),
    )
    op.create_table(
        "data_exports",
        sa.Column("data_export_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("scope", JSONB(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("exported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("checksum ~ '^[0-9a-f]{64}$'", name=op.f("ck_data_exports_checksum")),
        sa.CheckConstraint("format IN ('csv', 'json', 'xlsx', 'parquet', 'pdf')", name=op.f("ck_data_exports_format")),
        sa.CheckConstraint("row_count >= 0", name=op.f("ck_data_exports_row_count")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.user_id"], name=op.f("fk_data_exports_requested_by")),
        sa.PrimaryKeyConstraint("data_export_id", name=op.f("pk_data_exports")),
    )
    op.create_table(
        "legal_entity_registrations",
        sa.Column("legal_entity_registration_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("legal_entity_id", sa.BigInteger(), nullable=False),
        sa.Column("state_code", sa.String(), nullable=False),
        sa.Column("registration", sa.String(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        *_tracked(),
        ExcludeConstraint(
            (sa.text("int8range(legal_entity_id, legal_entity_id, '[]')"), "&&"),
            (
                sa.text(
                    "int8range(ascii(state_code) * 65536 + ascii(substr(state_code, 2)) * 256 + ascii(substr(state_code, 3)), ascii(state_code) * 65536 + ascii(substr(state_code, 2)) * 256 + ascii(substr(state_code, 3)), '[]')"
                ),
                "&&",
            ),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            using="gist",
            name=op.f("ex_legal_entity_registrations_validity"),
        ),
        sa.CheckConstraint("registration <> ''", name=op.f("ck_legal_entity_registrations_registration")),
        sa.CheckConstraint("state_code ~ '^[A-Z0-9]{1,3}$'", name=op.f("ck_legal_entity_registrations_state_code")),
        sa.CheckConstraint("valid_to_on >= valid_from_on", name=op.f("ck_legal_entity_registrations_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"],
            ["legal_entities.legal_entity_id"],
            name=op.f("fk_legal_entity_registrations_legal_entity_id"),
        ),
        sa.PrimaryKeyConstraint("legal_entity_registration_id", name=op.f("pk_legal_entity_registrations")),
        sa.UniqueConstraint(
            "registration", "valid_from_on", name=op.f("uq_legal_entity_registrations_registration_valid_from_on")
        ),
    )
    op.create_table(
        "saved_views",
        sa.Column("saved_view_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("filters", JSONB(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_views_name")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_saved_views_user_id")),
        sa.PrimaryKeyConstraint("saved_view_id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("user_id", "page", "name", name=op.f("uq_saved_views_user_id_page_name")),
    )
    op.create_table(
        "tax_rates",
        sa.Column("tax_rate_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tax_class_id", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        *_tracked(),
        ExcludeConstraint(
            (sa.text("int8range(tax_class_id, tax_class_id, '[]')"), "&&"),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            using="gist",
            name=op.f("ex_tax_rates_validity"),
        ),
        sa.CheckConstraint("rate BETWEEN 0 AND 1", name=op.f("ck_tax_rates_rate")),
        sa.CheckConstraint("valid_to_on >= valid_from_on", name=op.f("ck_tax_rates_ends_after_start")),
        sa.ForeignKeyConstraint(["tax_class_id"], ["tax_classes.tax_class_id"], name=op.f("fk_tax_rates_tax_class_id")),
        sa.PrimaryKeyConstraint("tax_rate_id", name=op.f("pk_tax_rates")),
    )
    op.create_table(
        "vendor_invoices",
        sa.Column("vendor_invoice_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_number", sa.String(), nullable=False),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("taxable_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("total_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("state", sa.String(), server_default="received", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("invoice_number <> ''", name=op.f("ck_vendor_invoices_invoice_number")),
        sa.CheckConstraint(
            "state IN ('received', 'matched', 'disputed', 'paid')", name=op.f("ck_vendor_invoices_state")
        ),
        sa.CheckConstraint("due_on >= invoiced_on", name=op.f("ck_vendor_invoices_due_on")),
        sa.CheckConstraint("taxable_amount >= 0 AND tax_amount >= 0", name=op.f("ck_vendor_invoices_amounts")),
        sa.CheckConstraint("total_amount = taxable_amount + tax_amount", name=op.f("ck_vendor_invoices_total_amount")),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_vendor_invoices_created_by")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.vendor_id"], name=op.f("fk_vendor_invoices_vendor_id")),
        sa.PrimaryKeyConstraint("vendor_invoice_id", name=op.f("pk_vendor_invoices")),
        sa.UniqueConstraint("vendor_id", "invoice_number", name=op.f("uq_vendor_invoices_vendor_id_invoice_number")),
    )
    op.create_index(
        "ix_vendor_invoices_open", "vendor_invoices", ["vendor_invoice_id"], postgresql_where=sa.text("state <> 'paid'")
    )
    op.create_table(
        "vendor_terms",
        sa.Column("vendor_term_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("minimum_order_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("order_weekdays", ARRAY(sa.Integer()), nullable=True),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        *_tracked(),
        ExcludeConstraint(
            (sa.text("int8range(vendor_id, vendor_id, '[]')"), "&&"),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            using="gist",
            name=op.f("ex_vendor_terms_validity"),
        ),
        sa.CheckConstraint("minimum_order_amount >= 0", name=op.f("ck_vendor_terms_minimum_order_amount")),
        sa.CheckConstraint("order_weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]", name=op.f("ck_vendor_terms_order_weekdays")),
        sa.CheckConstraint("valid_to_on >= valid_from_on", name=op.f("ck_vendor_terms_ends_after_start")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.vendor_id"], name=op.f("fk_vendor_terms_vendor_id")),
        sa.PrimaryKeyConstraint("vendor_term_id", name=op.f("pk_vendor_terms")),
    )
    op.create_table(
        "display_fixtures",
        sa.Column("display_fixture_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        *_tracked(),
        sa.CheckConstraint(
            "kind IN ('window', 'wall', 'pillar', 'counter', 'cabinet', 'gondola', 'drawer', 'fridge')",
            name=op.f("ck_display_fixtures_kind"),
        ),
        sa.CheckConstraint("zone IN ('A', 'B', 'C')", name=op.f("ck_display_fixtures_zone")),
        sa.CheckConstraint("capacity > 0", name=op.f("ck_display_fixtures_capacity")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_display_fixtures_store_id")),
        sa.PrimaryKeyConstraint("display_fixture_id", name=op.f("pk_display_fixtures")),
        sa.UniqueConstraint("store_id", "code", name=op.f("uq_display_fixtures_store_id_code")),
    )
    op.create_table(
        "expenses",
        sa.Column("expense_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("expense_category_id", sa.BigInteger(), nullable=False),
        sa.Column("spent_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax_amount", sa.Numeric(precision=14, scale=2), server_default="0", nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("submitted_by", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *_tracked(),
        sa.CheckConstraint("(state = 'draft') = (submitted_at IS NULL)", name=op.f("ck_expenses_submitted_at")),
        sa.CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name=op.f("ck_expenses_paid_at")),
        sa.CheckConstraint(
            "(state IN ('draft', 'submitted')) = (decided_by IS NULL)", name=op.f("ck_expenses_decided_by")
        ),
        sa.CheckConstraint("description <> ''", name=op.f("ck_expenses_description")),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'refused', 'paid')", name=op.f("ck_expenses_state")
        ),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_expenses_decided_at")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_expenses_amount")),
        sa.CheckConstraint("decided_by <> submitted_by", name=op.f("ck_expenses_decided_by_another")),
        sa.CheckConstraint("tax_amount >= 0 AND tax_amount < amount", name=op.f("ck_expenses_tax_amount")),
        sa.CheckConstraint("version > 0", name=op.f("ck_expenses_version")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.user_id"], name=op.f("fk_expenses_decided_by")),
        sa.ForeignKeyConstraint(
            ["expense_category_id"],
            ["expense_categories.expense_category_id"],
            name=op.f("fk_expenses_expense_category_id"),
        ),
        sa.ForeignKeyConstraint(["paid_by"], ["users.user_id"], name=op.f("fk_expenses_paid_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_expenses_store_id")),
        sa.ForeignKeyConstraint(["submitted_by"], ["users.user_id"], name=op.f("fk_expenses_submitted_by")),
        sa.PrimaryKeyConstraint("expense_id", name=op.f("pk_expenses")),
    )
    op.create_index("ix_expenses_store_id_expense_id", "expenses", ["store_id", "expense_id"])
    op.create_index("ix_expenses_submitted_by_expense_id", "expenses", ["submitted_by", "expense_id"])
    op.create_index(
        "ix_expenses_submitted", "expenses", ["expense_id"], postgresql_where=sa.text("state = 'submitted'")
    )
    op.create_table(
        "sales_targets",
        sa.Column("sales_target_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("target_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("walk_in_count", sa.Integer(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("extract(day FROM month_on) = 1", name=op.f("ck_sales_targets_first_of_month")),
        sa.CheckConstraint("target_amount >= 0", name=op.f("ck_sales_targets_target_amount")),
        sa.CheckConstraint("walk_in_count >= 0", name=op.f("ck_sales_targets_walk_in_count")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_sales_targets_store_id")),
        sa.PrimaryKeyConstraint("sales_target_id", name=op.f("pk_sales_targets")),
        sa.UniqueConstraint("store_id", "month_on", name=op.f("uq_sales_targets_store_id_month_on")),
    )
    op.create_table(
        "store_categories",
        sa.Column("store_category_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        *_tracked(),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.category_id"], name=op.f("fk_store_categories_category_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_store_categories_store_id")),
        sa.PrimaryKeyConstraint("store_category_id", name=op.f("pk_store_categories")),
        sa.UniqueConstraint("store_id", "category_id", name=op.f("uq_store_categories_store_id_category_id")),
    )
    op.create_table(
        "vendor_returns",
        sa.Column("vendor_return_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("return_number", sa.String(), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("expected_credit_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("credit_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("authorised_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("(state = 'draft') = (authorised_by IS NULL)", name=op.f("ck_vendor_returns_authorised")),
        sa.CheckConstraint(
            "(state IN ('credit_received', 'closed')) = (credit_amount IS NOT NULL)",
            name=op.f("ck_vendor_returns_credited"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_vendor_returns_reason")),
        sa.CheckConstraint(
            "state IN ('draft', 'authorised', 'dispatched', 'credit_received', 'closed')",
            name=op.f("ck_vendor_returns_state"),
        ),
        sa.CheckConstraint("authorised_by <> created_by", name=op.f("ck_vendor_returns_authorised_by_another")),
        sa.CheckConstraint(
            "expected_credit_amount >= 0 AND credit_amount >= 0", name=op.f("ck_vendor_returns_amounts")
        ),
        sa.ForeignKeyConstraint(["authorised_by"], ["users.user_id"], name=op.f("fk_vendor_returns_authorised_by")),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_vendor_returns_created_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_vendor_returns_store_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.vendor_id"], name=op.f("fk_vendor_returns_vendor_id")),
        sa.PrimaryKeyConstraint("vendor_return_id", name=op.f("pk_vendor_returns")),
        sa.UniqueConstraint("return_number", name=op.f("uq_vendor_returns_return_number")),
    )
    op.create_table(
        "walk_in_counts",
        sa.Column("walk_in_count_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("walk_in_count", sa.Integer(), nullable=False),
        sa.Column("counted_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("walk_in_count >= 0", name=op.f("ck_walk_in_counts_walk_in_count")),
        sa.ForeignKeyConstraint(["counted_by"], ["users.user_id"], name=op.f("fk_walk_in_counts_counted_by")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_walk_in_counts_store_id")),
        sa.PrimaryKeyConstraint("walk_in_count_id", name=op.f("pk_walk_in_counts")),
        sa.UniqueConstraint("store_id", "counted_on", name=op.f("uq_walk_in_counts_store_id_counted_on")),
    )
    op.create_table(
        "cost_history",
        sa.Column("cost_history_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_cost", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        ExcludeConstraint(
            (sa.text("int8range(product_id, product_id, '[]')"), "&&"),
            (sa.text("int8range(coalesce(store_id, 0), coalesce(store_id, 0), '[]')"), "&&"),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            using="gist",
            name=op.f("ex_cost_history_validity"),
        ),
        sa.CheckConstraint("unit_cost >= 0", name=op.f("ck_cost_history_unit_cost")),
        sa.CheckConstraint("valid_to_on >= valid_from_on", name=op.f("ck_cost_history_ends_after_start")),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_cost_history_created_by")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_cost_history_product_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_cost_history_store_id")),
        sa.PrimaryKeyConstraint("cost_history_id", name=op.f("pk_cost_history")),
    )
    op.create_index("ix_cost_history_product_id_valid_from_on", "cost_history", ["product_id", "valid_from_on"])
    op.create_table(
        "customer_consents",
        sa.Column("customer_consent_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("is_granted", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "purpose IN ('marketing', 'reminders', 'analytics', 'data_sharing')",
            name=op.f("ck_customer_consents_purpose"),
        ),
        sa.CheckConstraint(
            "source IN ('store', 'web', 'phone', 'paper', 'import')", name=op.f("ck_customer_consents_source")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.customer_id"], name=op.f("fk_customer_consents_customer_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.user_id"], name=op.f("fk_customer_consents_recorded_by")),
        sa.PrimaryKeyConstraint("customer_consent_id", name=op.f("pk_customer_consents")),
    )
    op.create_index(
        "ix_customer_consents_customer_id_purpose",
        "customer_consents",
        ["customer_id", "purpose", "customer_consent_id"],
    )
    op.create_table(
        "display_placements",
        sa.Column("display_placement_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("display_fixture_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("is_primary", sa.Boolean(), server_default="true", nullable=False),
        *_tracked(),
        sa.CheckConstraint("position > 0", name=op.f("ck_display_placements_position")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_display_placements_quantity")),
        sa.ForeignKeyConstraint(
            ["display_fixture_id"],
            ["display_fixtures.display_fixture_id"],
            name=op.f("fk_display_placements_display_fixture_id"),
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_display_placements_product_id")),
        sa.PrimaryKeyConstraint("display_placement_id", name=op.f("pk_display_placements")),
        sa.UniqueConstraint(
            "display_fixture_id", "product_id", name=op.f("uq_display_placements_display_fixture_id_product_id")
        ),
    )
    op.create_table(
        "goods_receipts",
        sa.Column("goods_receipt_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("receipt_number", sa.String(), nullable=False),
        sa.Column("purchase_order_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("delivery_note", sa.String(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        *_tracked(),
        sa.CheckConstraint(
            "state <> 'accepted' OR accepted_at IS NOT NULL", name=op.f("ck_goods_receipts_accepted_at")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'pending_qc', 'qc_passed', 'qc_failed', 'accepted', 'disputed')",
            name=op.f("ck_goods_receipts_state"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_goods_receipts_created_by")),
        sa.ForeignKeyConstraint(
            ["purchase_order_id"],
            ["purchase_orders.purchase_order_id"],
            name=op.f("fk_goods_receipts_purchase_order_id"),
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_goods_receipts_store_id")),
        sa.PrimaryKeyConstraint("goods_receipt_id", name=op.f("pk_goods_receipts")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_goods_receipts_receipt_number")),
    )
    op.create_index("ix_goods_receipts_purchase_order_id", "goods_receipts", ["purchase_order_id"])
    op.create_index("ix_goods_receipts_store_id_goods_receipt_id", "goods_receipts", ["store_id", "goods_receipt_id"])
    op.create_table(
        "lens_lines",
        sa.Column("lens_line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.String(), nullable=True),
        sa.Column("refractive_index", sa.Numeric(precision=3, scale=2), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("coatings", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("sph_from", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("sph_to", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("cyl_from", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("cyl_to", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("add_from", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("add_to", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("step", sa.Numeric(precision=5, scale=2), server_default="0.25", nullable=False),
        *_tracked(),
        sa.CheckConstraint(
            "coatings <@ ARRAY['HC', 'AR', 'ANTI_BLUE', 'GREEN', 'PHOTOCHROMIC', 'POLARIZED', 'UV']",
            name=op.f("ck_lens_lines_coatings"),
        ),
        sa.CheckConstraint(
            "kind IN ('SV', 'BIFOCAL', 'PROGRESSIVE', 'OFFICE', 'READING')", name=op.f("ck_lens_lines_kind")
        ),
        sa.CheckConstraint(
            "material IN ('CR39', 'POLY', 'MR8', 'MR174', 'TRIVEX', 'GLASS')", name=op.f("ck_lens_lines_material")
        ),
        sa.CheckConstraint("(add_from IS NULL) = (add_to IS NULL)", name=op.f("ck_lens_lines_add_range")),
        sa.CheckConstraint(
            "add_from BETWEEN 0.75 AND 4 AND mod(add_from, 0.25) = 0 AND add_to BETWEEN 0.75 AND 4 AND mod(add_to, 0.25) = 0 AND add_to >= add_from",
            name=op.f("ck_lens_lines_add"),
        ),
        sa.CheckConstraint(
            "cyl_from BETWEEN -6 AND 6 AND mod(cyl_from, 0.25) = 0 AND cyl_to BETWEEN -6 AND 6 AND mod(cyl_to, 0.25) = 0 AND cyl_to >= cyl_from",
            name=op.f("ck_lens_lines_cyl"),
        ),
        sa.CheckConstraint(
            "refractive_index IN (1.50, 1.56, 1.60, 1.67, 1.74)", name=op.f("ck_lens_lines_refractive_index")
        ),
        sa.CheckConstraint(
            "sph_from BETWEEN -25 AND 25 AND mod(sph_from, 0.25) = 0 AND sph_to BETWEEN -25 AND 25 AND mod(sph_to, 0.25) = 0 AND sph_to >= sph_from",
            name=op.f("ck_lens_lines_sph"),
        ),
        sa.CheckConstraint("step IN (0.25, 0.50)", name=op.f("ck_lens_lines_step")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_lens_lines_product_id")),
        sa.PrimaryKeyConstraint("lens_line_id", name=op.f("pk_lens_lines")),
        sa.UniqueConstraint("product_id", name=op.f("uq_lens_lines_product_id")),
    )
    op.create_table(
        "patients",
        sa.Column("patient_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("full_name", sa.String(), nullable=True),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("gender", sa.String(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        *_tracked(),
        sa.CheckConstraint("full_name <> ''", name=op.f("ck_patients_full_name")),
        sa.CheckConstraint("gender IN ('female', 'male', 'other')", name=op.f("ck_patients_gender")),
        sa.CheckConstraint("erased_at IS NOT NULL OR full_name IS NOT NULL", name=op.f("ck_patients_named")),
        sa.CheckConstraint(
            "erased_at IS NULL OR coalesce(full_name, born_on::text, gender) IS NULL", name=op.f("ck_patients_erased")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_patients_customer_id")),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patients")),
    )
    op.create_index("ix_patients_customer_id", "patients", ["customer_id"])
    op.create_table(
        "price_history",
        sa.Column("price_history_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("mrp", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        ExcludeConstraint(
            (sa.text("int8range(product_id, product_id, '[]')"), "&&"),
            (sa.text("int8range(coalesce(store_id, 0), coalesce(store_id, 0), '[]')"), "&&"),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            using="gist",
            name=op.f("ex_price_history_validity"),
        ),
        sa.CheckConstraint("mrp >= unit_price", name=op.f("ck_price_history_mrp")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_price_history_unit_price")),
        sa.CheckConstraint("valid_to_on >= valid_from_on", name=op.f("ck_price_history_ends_after_start")),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_price_history_created_by")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_price_history_product_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_price_history_store_id")),
        sa.PrimaryKeyConstraint("price_history_id", name=op.f("pk_price_history")),
    )
    op.create_index("ix_price_history_product_id_valid_from_on", "price_history", ["product_id", "valid_from_on"])
    op.create_table(
        "product_contact_lenses",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.String(), nullable=True),
        sa.Column("modality", sa.String(), nullable=False),
        sa.Column("base_curve_mm", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("diameter_mm", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("sph", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("cyl", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("axis", sa.Integer(), nullable=True),
        sa.Column("add", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("lenses_per_box", sa.Integer(), nullable=False),
        sa.Column("colour", sa.String(), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "modality IN ('DAILY', 'FORTNIGHTLY', 'MONTHLY', 'QUARTERLY', 'YEARLY', 'COLOR')",
            name=op.f("ck_product_contact_lenses_modality"),
        ),
        sa.CheckConstraint(
            "(coalesce(cyl, 0) <> 0) = (axis IS NOT NULL)", name=op.f("ck_product_contact_lenses_axis_with_cylinder")
        ),
        sa.CheckConstraint("add BETWEEN 0.75 AND 4 AND mod(add, 0.25) = 0", name=op.f("ck_product_contact_lenses_add")),
        sa.CheckConstraint("axis BETWEEN 1 AND 180", name=op.f("ck_product_contact_lenses_axis")),
        sa.CheckConstraint("base_curve_mm BETWEEN 8.0 AND 9.5", name=op.f("ck_product_contact_lenses_base_curve_mm")),
        sa.CheckConstraint("cyl BETWEEN -6 AND 6 AND mod(cyl, 0.25) = 0", name=op.f("ck_product_contact_lenses_cyl")),
        sa.CheckConstraint("diameter_mm BETWEEN 13.0 AND 15.0", name=op.f("ck_product_contact_lenses_diameter_mm")),
        sa.CheckConstraint("lenses_per_box > 0", name=op.f("ck_product_contact_lenses_lenses_per_box")),
        sa.CheckConstraint("sph BETWEEN -25 AND 25 AND mod(sph, 0.25) = 0", name=op.f("ck_product_contact_lenses_sph")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.product_id"], name=op.f("fk_product_contact_lenses_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_contact_lenses")),
    )
    op.create_table(
        "product_frames",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("eye_mm", sa.Integer(), nullable=True),
        sa.Column("bridge_mm", sa.Integer(), nullable=True),
        sa.Column("temple_mm", sa.Integer(), nullable=True),
        sa.Column("shape", sa.String(), nullable=True),
        sa.Column("rim", sa.String(), nullable=True),
        sa.Column("material", sa.String(), nullable=True),
        sa.Column("tier", sa.String(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("rim IN ('full', 'half', 'rimless')", name=op.f("ck_product_frames_rim")),
        sa.CheckConstraint("tier IN ('value', 'mid', 'premium', 'luxury')", name=op.f("ck_product_frames_tier")),
        sa.CheckConstraint("bridge_mm BETWEEN 14 AND 24", name=op.f("ck_product_frames_bridge_mm")),
        sa.CheckConstraint("eye_mm BETWEEN 40 AND 62", name=op.f("ck_product_frames_eye_mm")),
        sa.CheckConstraint("temple_mm BETWEEN 120 AND 150", name=op.f("ck_product_frames_temple_mm")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_product_frames_product_id")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_frames")),
    )
    op.create_table(
        "vendor_return_lines",
        sa.Column("vendor_return_line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_return_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("lens_cell_id", sa.BigInteger(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_cost", sa.Numeric(precision=14, scale=4), nullable=True),
        *_tracked(),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_vendor_return_lines_quantity")),
        sa.CheckConstraint("unit_cost >= 0", name=op.f("ck_vendor_return_lines_unit_cost")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.product_id"], name=op.f("fk_vendor_return_lines_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_return_id"],
            ["vendor_returns.vendor_return_id"],
            name=op.f("fk_vendor_return_lines_vendor_return_id"),
        ),
        sa.PrimaryKeyConstraint("vendor_return_line_id", name=op.f("pk_vendor_return_lines")),
        sa.UniqueConstraint(
            "vendor_return_id",
            "product_id",
            "lens_cell_id",
            name=op.f("uq_vendor_return_lines_vendor_return_id_product_id_lens_cell_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "eye_test_queue",
        sa.Column("eye_test_queue_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("queued_on", sa.Date(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), server_default="routine", nullable=False),
        sa.Column("state", sa.String(), server_default="waiting", nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "(state = 'completed') = (completed_at IS NOT NULL)", name=op.f("ck_eye_test_queue_completed")
        ),
        sa.CheckConstraint(
            "reason IN ('routine', 'new_glasses', 'contact_lens', 'complaint', 'other')",
            name=op.f("ck_eye_test_queue_reason"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'in_progress', 'completed', 'cancelled', 'no_show')",
            name=op.f("ck_eye_test_queue_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('in_progress', 'completed') OR started_at IS NOT NULL",
            name=op.f("ck_eye_test_queue_started"),
        ),
        sa.CheckConstraint(
            "started_at >= queued_at AND completed_at >= started_at", name=op.f("ck_eye_test_queue_order_of_times")
        ),
        sa.CheckConstraint("token > 0", name=op.f("ck_eye_test_queue_token")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_eye_test_queue_customer_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name=op.f("fk_eye_test_queue_patient_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_eye_test_queue_store_id")),
        sa.PrimaryKeyConstraint("eye_test_queue_id", name=op.f("pk_eye_test_queue")),
        sa.UniqueConstraint("store_id", "queued_on", "token", name=op.f("uq_eye_test_queue_store_id_queued_on_token")),
    )
    for column in ("customer_id", "patient_id"):
        op.create_index(
            f"ix_eye_test_queue_{column}", "eye_test_queue", [column], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_table(
        "lens_line_prices",
        sa.Column("lens_line_price_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lens_line_id", sa.BigInteger(), nullable=False),
        sa.Column("power_from", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("power_to", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("mrp", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_to_on", sa.Date(), nullable=True),
        *_tracked(),
        ExcludeConstraint(
            (sa.text("int8range(lens_line_id, lens_line_id, '[]')"), "&&"),
            (sa.text("numrange(power_from, power_to, '[]')"), "&&"),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            using="gist",
            name=op.f("ex_lens_line_prices_validity"),
        ),
        sa.CheckConstraint("mrp >= unit_price", name=op.f("ck_lens_line_prices_mrp")),
        sa.CheckConstraint("power_from >= 0 AND power_to >= power_from", name=op.f("ck_lens_line_prices_band")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_lens_line_prices_unit_price")),
        sa.CheckConstraint("valid_to_on >= valid_from_on", name=op.f("ck_lens_line_prices_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["lens_line_id"], ["lens_lines.lens_line_id"], name=op.f("fk_lens_line_prices_lens_line_id")
        ),
        sa.PrimaryKeyConstraint("lens_line_price_id", name=op.f("pk_lens_line_prices")),
    )
    op.create_table(
        "vendor_invoice_matches",
        sa.Column("vendor_invoice_match_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("vendor_invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("goods_receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("matched_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("matched_by", sa.BigInteger(), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *_tracked(),
        sa.CheckConstraint("matched_amount > 0", name=op.f("ck_vendor_invoice_matches_matched_amount")),
        sa.ForeignKeyConstraint(
            ["goods_receipt_id"],
            ["goods_receipts.goods_receipt_id"],
            name=op.f("fk_vendor_invoice_matches_goods_receipt_id"),
        ),
        sa.ForeignKeyConstraint(["matched_by"], ["users.user_id"], name=op.f("fk_vendor_invoice_matches_matched_by")),
        sa.ForeignKeyConstraint(
            ["vendor_invoice_id"],
            ["vendor_invoices.vendor_invoice_id"],
            name=op.f("fk_vendor_invoice_matches_vendor_invoice_id"),
        ),
        sa.PrimaryKeyConstraint("vendor_invoice_match_id", name=op.f("pk_vendor_invoice_matches")),
        sa.UniqueConstraint(
            "vendor_invoice_id",
            "goods_receipt_id",
            name=op.f("uq_vendor_invoice_matches_vendor_invoice_id_goods_receipt_id"),
        ),
    )
    op.create_index("ix_vendor_invoice_matches_goods_receipt_id", "vendor_invoice_matches", ["goods_receipt_id"])
    op.create_table(
        "eye_tests",
        sa.Column("eye_test_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("eye_test_queue_id", sa.BigInteger(), nullable=True),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("optometrist_id", sa.BigInteger(), nullable=False),
        sa.Column("tested_on", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), server_default="in_progress", nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name=op.f("ck_eye_tests_completed")),
        sa.CheckConstraint(
            "(state = 'completed') = (outcome IS NOT NULL)", name=op.f("ck_eye_tests_completed_with_an_outcome")
        ),
        sa.CheckConstraint("outcome IN ('new_rx', 'no_change', 'referred')", name=op.f("ck_eye_tests_outcome")),
        sa.CheckConstraint("state IN ('in_progress', 'completed', 'cancelled')", name=op.f("ck_eye_tests_state")),
        sa.CheckConstraint("completed_at >= started_at", name=op.f("ck_eye_tests_order_of_times")),
        sa.ForeignKeyConstraint(
            ["eye_test_queue_id"], ["eye_test_queue.eye_test_queue_id"], name=op.f("fk_eye_tests_eye_test_queue_id")
        ),
        sa.ForeignKeyConstraint(["optometrist_id"], ["users.user_id"], name=op.f("fk_eye_tests_optometrist_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name=op.f("fk_eye_tests_patient_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_eye_tests_store_id")),
        sa.PrimaryKeyConstraint("eye_test_id", name=op.f("pk_eye_tests")),
        sa.UniqueConstraint("eye_test_queue_id", name=op.f("uq_eye_tests_eye_test_queue_id")),
    )
    op.create_index("ix_eye_tests_patient_id", "eye_tests", ["patient_id"])
    op.create_index("ix_eye_tests_store_id_eye_test_id", "eye_tests", ["store_id", "eye_test_id"])
    op.create_table(
        "goods_receipt_lines",
        sa.Column("goods_receipt_line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("goods_receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("purchase_order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("received_qty", sa.Integer(), nullable=False),
        sa.Column("accepted_qty", sa.Integer(), nullable=False),
        sa.Column("rejected_qty", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("batch_code", sa.String(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("unit_cost", sa.Numeric(precision=14, scale=4), nullable=True),
        *_tracked(),
        sa.CheckConstraint("batch_code <> ''", name=op.f("ck_goods_receipt_lines_batch_code")),
        sa.CheckConstraint(
            "reason IN ('damaged', 'wrong_item', 'wrong_power', 'expired', 'over_delivery', 'quality', 'other')",
            name=op.f("ck_goods_receipt_lines_reason"),
        ),
        sa.CheckConstraint(
            "(rejected_qty > 0) = (reason IS NOT NULL)", name=op.f("ck_goods_receipt_lines_rejected_for_a_reason")
        ),
        sa.CheckConstraint("accepted_qty >= 0 AND rejected_qty >= 0", name=op.f("ck_goods_receipt_lines_quantities")),
        sa.CheckConstraint(
            "received_qty = accepted_qty + rejected_qty", name=op.f("ck_goods_receipt_lines_accepted_or_rejected")
        ),
        sa.CheckConstraint("received_qty > 0", name=op.f("ck_goods_receipt_lines_received_qty")),
        sa.CheckConstraint("unit_cost >= 0", name=op.f("ck_goods_receipt_lines_unit_cost")),
        sa.ForeignKeyConstraint(
            ["goods_receipt_id"],
            ["goods_receipts.goods_receipt_id"],
            name=op.f("fk_goods_receipt_lines_goods_receipt_id"),
        ),
        sa.ForeignKeyConstraint(
            ["purchase_order_line_id"],
            ["purchase_order_lines.purchase_order_line_id"],
            name=op.f("fk_goods_receipt_lines_purchase_order_line_id"),
        ),
        sa.PrimaryKeyConstraint("goods_receipt_line_id", name=op.f("pk_goods_receipt_lines")),
        sa.UniqueConstraint(
            "goods_receipt_id",
            "purchase_order_line_id",
            "batch_code",
            name="uq_goods_receipt_lines_line_batch",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_goods_receipt_lines_purchase_order_line_id", "goods_receipt_lines", ["purchase_order_line_id"])
    op.create_table(
        "sales_returns",
        sa.Column("sales_return_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("return_number", sa.String(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), server_default="return", nullable=False),
        sa.Column("returned_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("credit_note_number", sa.String(), nullable=True),
        sa.Column("taxable_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("total_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("kind IN ('return', 'exchange', 'credit_note')", name=op.f("ck_sales_returns_kind")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_sales_returns_reason")),
        sa.CheckConstraint("approved_by <> created_by", name=op.f("ck_sales_returns_approved_by_another")),
        sa.CheckConstraint("taxable_amount >= 0 AND tax_amount >= 0", name=op.f("ck_sales_returns_amounts")),
        sa.CheckConstraint("total_amount = taxable_amount + tax_amount", name=op.f("ck_sales_returns_total_amount")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.user_id"], name=op.f("fk_sales_returns_approved_by")),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_sales_returns_created_by")),
        sa.ForeignKeyConstraint(
            ["sales_order_id"], ["sales_orders.sales_order_id"], name=op.f("fk_sales_returns_sales_order_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_sales_returns_store_id")),
        sa.PrimaryKeyConstraint("sales_return_id", name=op.f("pk_sales_returns")),
        sa.UniqueConstraint("credit_note_number", name=op.f("uq_sales_returns_credit_note_number")),
        sa.UniqueConstraint("return_number", name=op.f("uq_sales_returns_return_number")),
    )
    op.create_index("ix_sales_returns_sales_order_id", "sales_returns", ["sales_order_id"])
    op.create_index("ix_sales_returns_store_id_sales_return_id", "sales_returns", ["store_id", "sales_return_id"])
    op.create_table(
        "walkouts",
        sa.Column("walkout_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("walked_out_on", sa.Date(), nullable=False),
        sa.Column("walked_out_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("price_from", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("price_to", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("result", sa.String(), server_default="open", nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "(result = 'converted') = (sales_order_id IS NOT NULL)", name=op.f("ck_walkouts_converted_by_an_order")
        ),
        sa.CheckConstraint(
            "reason IN ('budget', 'collection', 'colour', 'brand', 'enquiry_only', 'staff_behaviour', 'not_available', 'style', 'fit', 'other')",
            name=op.f("ck_walkouts_reason"),
        ),
        sa.CheckConstraint("result IN ('open', 'converted', 'lost')", name=op.f("ck_walkouts_result")),
        sa.CheckConstraint("price_from >= 0 AND price_to >= price_from", name=op.f("ck_walkouts_prices")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.category_id"], name=op.f("fk_walkouts_category_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.customer_id"], name=op.f("fk_walkouts_customer_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_walkouts_product_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.user_id"], name=op.f("fk_walkouts_recorded_by")),
        sa.ForeignKeyConstraint(
            ["sales_order_id"], ["sales_orders.sales_order_id"], name=op.f("fk_walkouts_sales_order_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_walkouts_store_id")),
        sa.PrimaryKeyConstraint("walkout_id", name=op.f("pk_walkouts")),
    )
    for column in ("customer_id", "sales_order_id"):
        op.create_index(
            f"ix_walkouts_{column}", "walkouts", [column], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_table(
        "exchanges",
        sa.Column("exchange_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sales_return_id", sa.BigInteger(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        *_tracked(),
        sa.ForeignKeyConstraint(
            ["sales_order_id"], ["sales_orders.sales_order_id"], name=op.f("fk_exchanges_sales_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["sales_return_id"], ["sales_returns.sales_return_id"], name=op.f("fk_exchanges_sales_return_id")
        ),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_exchanges")),
        sa.UniqueConstraint("sales_order_id", name=op.f("uq_exchanges_sales_order_id")),
        sa.UniqueConstraint("sales_return_id", name=op.f("uq_exchanges_sales_return_id")),
    )
    op.create_table(
        "prescriptions",
        sa.Column("prescription_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("prescription_number", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("supersedes_id", sa.BigInteger(), nullable=True),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("eye_test_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("optometrist_id", sa.BigInteger(), nullable=True),
        sa.Column("doctor_name", sa.String(), nullable=True),
        sa.Column("prescribed_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=False),
        sa.Column("pd_mm", sa.Numeric(precision=4, scale=1), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("eye_test_id IS NULL OR source = 'tested_at_store'", name=op.f("ck_prescriptions_eye_test")),
        sa.CheckConstraint("kind IN ('spectacle', 'contact_lens')", name=op.f("ck_prescriptions_kind")),
        sa.CheckConstraint("pd_mm IS NULL OR kind = 'spectacle'", name=op.f("ck_prescriptions_pd_of_spectacles")),
        sa.CheckConstraint("source = 'from_doctor' OR doctor_name IS NULL", name=op.f("ck_prescriptions_doctor_name")),
        sa.CheckConstraint(
            "source = 'from_doctor' OR optometrist_id IS NOT NULL",
            name=op.f("ck_prescriptions_tested_by_an_optometrist"),
        ),
        sa.CheckConstraint("source IN ('tested_at_store', 'from_doctor')", name=op.f("ck_prescriptions_source")),
        sa.CheckConstraint("pd_mm BETWEEN 40 AND 80", name=op.f("ck_prescriptions_pd_mm")),
        sa.CheckConstraint("supersedes_id <> prescription_id", name=op.f("ck_prescriptions_supersedes_another")),
        sa.CheckConstraint("valid_until_on >= prescribed_on", name=op.f("ck_prescriptions_ends_after_start")),
        sa.CheckConstraint(
            "version > 0 AND (version = 1) = (supersedes_id IS NULL)", name=op.f("ck_prescriptions_version")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_prescriptions_created_by")),
        sa.ForeignKeyConstraint(["eye_test_id"], ["eye_tests.eye_test_id"], name=op.f("fk_prescriptions_eye_test_id")),
        sa.ForeignKeyConstraint(["optometrist_id"], ["users.user_id"], name=op.f("fk_prescriptions_optometrist_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.patient_id"], name=op.f("fk_prescriptions_patient_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_prescriptions_store_id")),
        sa.ForeignKeyConstraint(
            ["supersedes_id"], ["prescriptions.prescription_id"], name=op.f("fk_prescriptions_supersedes_id")
        ),
        sa.PrimaryKeyConstraint("prescription_id", name=op.f("pk_prescriptions")),
        sa.UniqueConstraint("prescription_id", "kind", name=op.f("uq_prescriptions_prescription_id_kind")),
        sa.UniqueConstraint(
            "prescription_number", "version", name=op.f("uq_prescriptions_prescription_number_version")
        ),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_prescriptions_supersedes_id")),
    )
    op.create_index("ix_prescriptions_patient_id", "prescriptions", ["patient_id"])
    op.create_index(
        "ix_prescriptions_eye_test_id",
        "prescriptions",
        ["eye_test_id"],
        postgresql_where=sa.text("eye_test_id IS NOT NULL"),
    )
    op.create_index("ix_prescriptions_store_id_prescription_id", "prescriptions", ["store_id", "prescription_id"])
    op.create_table(
        "lab_jobs",
        sa.Column("lab_job_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_number", sa.String(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("pair_group", sa.Integer(), nullable=False),
        sa.Column("prescription_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("vendor_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), server_default="pending", nullable=False),
        sa.Column("lens_state", sa.String(), server_default="not_ordered", nullable=False),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("technician_id", sa.BigInteger(), nullable=True),
        sa.Column("rework_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *_tracked(),
        sa.CheckConstraint(
            "lens_state IN ('not_ordered', 'ordered', 'received', 'mounted')", name=op.f("ck_lab_jobs_lens_state")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'in_progress', 'qc', 'ready', 'delivered', 'qc_failed', 'cancelled')",
            name=op.f("ck_lab_jobs_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('qc', 'ready', 'delivered') OR lens_state = 'mounted'",
            name=op.f("ck_lab_jobs_made_of_lenses"),
        ),
        sa.CheckConstraint("pair_group > 0", name=op.f("ck_lab_jobs_pair_group")),
        sa.CheckConstraint("rework_count >= 0", name=op.f("ck_lab_jobs_rework_count")),
        sa.CheckConstraint("version > 0", name=op.f("ck_lab_jobs_version")),
        sa.ForeignKeyConstraint(["created_by"], ["users.user_id"], name=op.f("fk_lab_jobs_created_by")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescriptions.prescription_id"], name=op.f("fk_lab_jobs_prescription_id")
        ),
        sa.ForeignKeyConstraint(
            ["sales_order_id"], ["sales_orders.sales_order_id"], name=op.f("fk_lab_jobs_sales_order_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_lab_jobs_store_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["users.user_id"], name=op.f("fk_lab_jobs_technician_id")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.vendor_id"], name=op.f("fk_lab_jobs_vendor_id")),
        sa.PrimaryKeyConstraint("lab_job_id", name=op.f("pk_lab_jobs")),
        sa.UniqueConstraint("job_number", name=op.f("uq_lab_jobs_job_number")),
        sa.UniqueConstraint("sales_order_id", "pair_group", name=op.f("uq_lab_jobs_sales_order_id_pair_group")),
    )
    op.create_index(
        "ix_lab_jobs_prescription_id",
        "lab_jobs",
        ["prescription_id"],
        postgresql_where=sa.text("prescription_id IS NOT NULL"),
    )
    op.create_table(
        "prescription_eyes",
        sa.Column("prescription_eye_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("prescription_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("eye", sa.String(), nullable=False),
        sa.Column("sph", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("cyl", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("axis", sa.Integer(), nullable=True),
        sa.Column("add", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("pd_mm", sa.Numeric(precision=4, scale=1), nullable=True),
        sa.Column("prism", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("prism_base", sa.String(), nullable=True),
        sa.Column("visual_acuity", sa.String(), nullable=True),
        sa.Column("base_curve_mm", sa.Numeric(precision=3, scale=1), nullable=True),
        sa.Column("diameter_mm", sa.Numeric(precision=3, scale=1), nullable=True),
        *_tracked(),
        sa.CheckConstraint("eye IN ('right', 'left')", name=op.f("ck_prescription_eyes_eye")),
        sa.CheckConstraint(
            "kind = 'contact_lens' OR (base_curve_mm IS NULL AND diameter_mm IS NULL)",
            name=op.f("ck_prescription_eyes_of_contact_lenses"),
        ),
        sa.CheckConstraint(
            "kind = 'spectacle' OR (pd_mm IS NULL AND prism IS NULL)", name=op.f("ck_prescription_eyes_of_spectacles")
        ),
        sa.CheckConstraint("prism_base IN ('up', 'down', 'in', 'out')", name=op.f("ck_prescription_eyes_prism_base")),
        sa.CheckConstraint(
            "(coalesce(cyl, 0) <> 0) = (axis IS NOT NULL)", name=op.f("ck_prescription_eyes_axis_with_cylinder")
        ),
        sa.CheckConstraint("(prism IS NULL) = (prism_base IS NULL)", name=op.f("ck_prescription_eyes_prism_with_base")),
        sa.CheckConstraint("add BETWEEN 0.75 AND 4 AND mod(add, 0.25) = 0", name=op.f("ck_prescription_eyes_add")),
        sa.CheckConstraint("axis BETWEEN 1 AND 180", name=op.f("ck_prescription_eyes_axis")),
        sa.CheckConstraint("base_curve_mm BETWEEN 8.0 AND 9.5", name=op.f("ck_prescription_eyes_base_curve_mm")),
        sa.CheckConstraint("coalesce(sph, cyl, add) IS NOT NULL", name=op.f("ck_prescription_eyes_has_a_power")),
        sa.CheckConstraint("cyl BETWEEN -6 AND 6 AND mod(cyl, 0.25) = 0", name=op.f("ck_prescription_eyes_cyl")),
        sa.CheckConstraint("diameter_mm BETWEEN 13.0 AND 15.0", name=op.f("ck_prescription_eyes_diameter_mm")),
        sa.CheckConstraint("pd_mm BETWEEN 20 AND 45", name=op.f("ck_prescription_eyes_pd_mm")),
        sa.CheckConstraint("prism > 0 AND prism <= 20", name=op.f("ck_prescription_eyes_prism")),
        sa.CheckConstraint("sph BETWEEN -25 AND 25 AND mod(sph, 0.25) = 0", name=op.f("ck_prescription_eyes_sph")),
        sa.ForeignKeyConstraint(
            ["prescription_id", "kind"],
            ["prescriptions.prescription_id", "prescriptions.kind"],
            name=op.f("fk_prescription_eyes_prescription_id_kind"),
        ),
        sa.PrimaryKeyConstraint("prescription_eye_id", name=op.f("pk_prescription_eyes")),
        sa.UniqueConstraint("prescription_id", "eye", name=op.f("uq_prescription_eyes_prescription_id_eye")),
    )
    op.create_table(
        "lab_job_events",
        sa.Column("lab_job_event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lab_job_id", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "from_state IN ('pending', 'in_progress', 'qc', 'ready', 'delivered', 'qc_failed', 'cancelled')",
            name=op.f("ck_lab_job_events_from_state"),
        ),
        sa.CheckConstraint(
            "to_state IN ('pending', 'in_progress', 'qc', 'ready', 'delivered', 'qc_failed', 'cancelled')",
            name=op.f("ck_lab_job_events_to_state"),
        ),
        sa.CheckConstraint("from_state <> to_state", name=op.f("ck_lab_job_events_goes_somewhere")),
        sa.ForeignKeyConstraint(["lab_job_id"], ["lab_jobs.lab_job_id"], name=op.f("fk_lab_job_events_lab_job_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name=op.f("fk_lab_job_events_user_id")),
        sa.PrimaryKeyConstraint("lab_job_event_id", name=op.f("pk_lab_job_events")),
    )
    op.create_index("ix_lab_job_events_lab_job_id", "lab_job_events", ["lab_job_id", "lab_job_event_id"])
    op.create_table(
        "non_adapts",
        sa.Column("non_adapt_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lab_job_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=False),
        sa.Column("charged_amount", sa.Numeric(precision=14, scale=2), server_default="0", nullable=False),
        sa.Column("new_prescription_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "reason IN ('progressive_intolerance', 'wrong_power_felt', 'cosmetic', 'other')",
            name=op.f("ck_non_adapts_reason"),
        ),
        sa.CheckConstraint("charged_amount >= 0", name=op.f("ck_non_adapts_charged_amount")),
        sa.ForeignKeyConstraint(["lab_job_id"], ["lab_jobs.lab_job_id"], name=op.f("fk_non_adapts_lab_job_id")),
        sa.ForeignKeyConstraint(
            ["new_prescription_id"], ["prescriptions.prescription_id"], name=op.f("fk_non_adapts_new_prescription_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.user_id"], name=op.f("fk_non_adapts_recorded_by")),
        sa.PrimaryKeyConstraint("non_adapt_id", name=op.f("pk_non_adapts")),
        sa.UniqueConstraint("lab_job_id", name=op.f("uq_non_adapts_lab_job_id")),
    )
    op.create_table(
        "remakes",
        sa.Column("remake_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lab_job_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("spoilage_cost_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("fault IN ('lab', 'store', 'vendor', 'customer')", name=op.f("ck_remakes_fault")),
        sa.CheckConstraint(
            "reason IN ('axis_error', 'power_error', 'fitting_error', 'surface_defect', 'coating_defect', 'breakage_in_lab', 'wrong_lens_picked', 'customer_changed_rx', 'other')",
            name=op.f("ck_remakes_reason"),
        ),
        sa.CheckConstraint("attempt > 0", name=op.f("ck_remakes_attempt")),
        sa.CheckConstraint("spoilage_cost_amount >= 0", name=op.f("ck_remakes_spoilage_cost_amount")),
        sa.ForeignKeyConstraint(["lab_job_id"], ["lab_jobs.lab_job_id"], name=op.f("fk_remakes_lab_job_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["users.user_id"], name=op.f("fk_remakes_recorded_by")),
        sa.PrimaryKeyConstraint("remake_id", name=op.f("pk_remakes")),
        sa.UniqueConstraint("lab_job_id", "attempt", name=op.f("uq_remakes_lab_job_id_attempt")),
    )


def _create_tables_of_lines() -> None:
    op.create_table(
        "sales_return_lines",
        sa.Column("sales_return_line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sales_return_id", sa.BigInteger(), nullable=False),
        sa.Column("sales_order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("taxable_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("tax_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        *_tracked(),
        sa.CheckConstraint("condition IN ('good', 'opened', 'damaged')", name=op.f("ck_sales_return_lines_condition")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sales_return_lines_quantity")),
        sa.CheckConstraint("taxable_amount >= 0 AND tax_amount >= 0", name=op.f("ck_sales_return_lines_amounts")),
        sa.ForeignKeyConstraint(
            ["sales_order_line_id", "ordered_on"],
            ["sales_order_lines.sales_order_line_id", "sales_order_lines.ordered_on"],
            name=op.f("fk_sales_return_lines_sales_order_line_id_ordered_on"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sales_return_id"], ["sales_returns.sales_return_id"], name=op.f("fk_sales_return_lines_sales_return_id")
        ),
        sa.PrimaryKeyConstraint("sales_return_line_id", name=op.f("pk_sales_return_lines")),
        sa.UniqueConstraint(
            "sales_return_id", "sales_order_line_id", "condition", name="uq_sales_return_lines_line_condition"
        ),
    )
    op.create_index("ix_sales_return_lines_sales_order_line_id", "sales_return_lines", ["sales_order_line_id"])
    op.create_table(
        "discount_approvals",
        sa.Column("discount_approval_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("sales_order_line_id", sa.BigInteger(), nullable=True),
        sa.Column("ordered_on", sa.Date(), nullable=True),
        sa.Column("requested_share", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("allowed_share", sa.Numeric(precision=6, scale=4), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="requested", nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        *_tracked(),
        sa.CheckConstraint(
            "(state = 'requested') = (decided_by IS NULL)", name=op.f("ck_discount_approvals_decided_by")
        ),
        sa.CheckConstraint("state IN ('requested', 'approved', 'refused')", name=op.f("ck_discount_approvals_state")),
        sa.CheckConstraint(
            "(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_discount_approvals_decided_at")
        ),
        sa.CheckConstraint(
            "(sales_order_line_id IS NULL) = (ordered_on IS NULL)", name=op.f("ck_discount_approvals_line")
        ),
        sa.CheckConstraint(
            "allowed_share >= 0 AND allowed_share < requested_share", name=op.f("ck_discount_approvals_allowed_share")
        ),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_discount_approvals_decided_by_another")),
        sa.CheckConstraint(
            "requested_share > 0 AND requested_share <= 1", name=op.f("ck_discount_approvals_requested_share")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["users.user_id"], name=op.f("fk_discount_approvals_decided_by")),
        sa.ForeignKeyConstraint(["requested_by"], ["users.user_id"], name=op.f("fk_discount_approvals_requested_by")),
        sa.ForeignKeyConstraint(
            ["sales_order_id"], ["sales_orders.sales_order_id"], name=op.f("fk_discount_approvals_sales_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["sales_order_line_id", "ordered_on"],
            ["sales_order_lines.sales_order_line_id", "sales_order_lines.ordered_on"],
            name=op.f("fk_discount_approvals_sales_order_line_id_ordered_on"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("discount_approval_id", name=op.f("pk_discount_approvals")),
    )
    op.create_index(
        "ix_discount_approvals_requested",
        "discount_approvals",
        ["discount_approval_id"],
        postgresql_where=sa.text("state = 'requested'"),
    )
    op.create_index("ix_discount_approvals_sales_order_id", "discount_approvals", ["sales_order_id"])
    op.create_index(
        "ix_discount_approvals_sales_order_line_id",
        "discount_approvals",
        ["sales_order_line_id"],
        postgresql_where=sa.text("sales_order_line_id IS NOT NULL"),
    )


def _extend_stores() -> None:
    op.add_column("stores", sa.Column("legal_entity_id", sa.BigInteger(), nullable=True))
    op.add_column("stores", sa.Column("brand", sa.String(), nullable=True))
    op.add_column("stores", sa.Column("state_code", sa.String(), nullable=True))
    op.add_column("stores", sa.Column("floor_area_sqft", sa.Numeric(precision=10, scale=1), nullable=True))
    op.add_column("stores", sa.Column("frame_board_capacity", sa.Integer(), nullable=True))
    op.add_column("stores", sa.Column("is_online", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("stores", sa.Column("is_head_office", sa.Boolean(), server_default="false", nullable=False))
    op.create_foreign_key(
        op.f("fk_stores_legal_entity_id"), "stores", "legal_entities", ["legal_entity_id"], ["legal_entity_id"]
    )
    op.create_check_constraint(op.f("ck_stores_floor_area_sqft"), "stores", "floor_area_sqft > 0")
    op.create_check_constraint(op.f("ck_stores_frame_board_capacity"), "stores", "frame_board_capacity >= 0")
    op.create_check_constraint(op.f("ck_stores_state_code"), "stores", "state_code ~ '^[A-Z0-9]{1,3}$'")


def _extend_customers() -> None:
    op.add_column("customers", sa.Column("kind", sa.String(), server_default="b2c", nullable=False))
    op.add_column("customers", sa.Column("full_name", sa.String(), nullable=True))
    op.add_column("customers", sa.Column("mobile", sa.String(), nullable=True))
    op.add_column("customers", sa.Column("email", sa.String(), nullable=True))
    op.add_column("customers", sa.Column("tax_registration", sa.String(), nullable=True))
    op.add_column("customers", sa.Column("city", sa.String(), nullable=True))
    op.add_column("customers", sa.Column("home_store_id", sa.BigInteger(), nullable=True))
    op.add_column("customers", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customers", sa.Column("pseudonym", sa.String(), nullable=True))
    op.create_index("ix_customers_home_store_id_customer_id", "customers", ["home_store_id", "customer_id"])
    op.create_index(
        "ix_customers_trigrams",
        "customers",
        [sa.literal_column("ims_trigrams(ims_customer_text(full_name, mobile, email, customer_code))")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_customers_words",
        "customers",
        [
            sa.literal_column(
                "to_tsvector('simple'::regconfig, ims_customer_text(full_name, mobile, email, customer_code))"
            )
        ],
        postgresql_using="gin",
    )
    op.create_foreign_key(op.f("fk_customers_home_store_id"), "customers", "stores", ["home_store_id"], ["store_id"])
    op.create_check_constraint(op.f("ck_customers_email"), "customers", "email ~ '^[^@[:space:]]+@[^@[:space:]]+$'")
    op.create_check_constraint(
        op.f("ck_customers_erased"),
        "customers",
        "erased_at IS NULL OR (coalesce(full_name, mobile, email, tax_registration, city) IS NULL AND customer_code = pseudonym)",
    )
    op.create_check_constraint(op.f("ck_customers_full_name"), "customers", "full_name <> ''")
    op.create_check_constraint(op.f("ck_customers_kind"), "customers", "kind IN ('b2c', 'b2b')")
    op.create_check_constraint(op.f("ck_customers_mobile"), "customers", "mobile ~ '^[+]?[0-9]{6,15}$'")
    op.create_check_constraint(op.f("ck_customers_pseudonym"), "customers", "(erased_at IS NULL) = (pseudonym IS NULL)")
    op.create_check_constraint(
        op.f("ck_customers_tax_registration_of_a_business"), "customers", "tax_registration IS NULL OR kind = 'b2b'"
    )


def _extend_products() -> None:
    op.add_column("products", sa.Column("barcode", sa.String(), nullable=True))
    op.add_column("products", sa.Column("hsn_code", sa.String(), nullable=True))
    op.add_column("products", sa.Column("tax_class_id", sa.BigInteger(), nullable=True))
    op.add_column("products", sa.Column("mrp", sa.Numeric(precision=14, scale=2), nullable=True))
    op.add_column("products", sa.Column("discount_class", sa.String(), server_default="MASS", nullable=False))
    op.add_column("products", sa.Column("lifecycle", sa.String(), server_default="CORE", nullable=False))
    op.add_column("products", sa.Column("style_code", sa.String(), nullable=True))
    op.add_column("products", sa.Column("model", sa.String(), nullable=True))
    op.add_column("products", sa.Column("colour_code", sa.String(), nullable=True))
    op.add_column("products", sa.Column("colour_name", sa.String(), nullable=True))
    op.add_column("products", sa.Column("size_label", sa.String(), nullable=True))
    op.add_column("products", sa.Column("gender", sa.String(), nullable=True))
    op.add_column("products", sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("products", sa.Column("is_serialised", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("products", sa.Column("is_batch_tracked", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("products", sa.Column("is_transfer_excluded", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("products", sa.Column("is_never_reordered", sa.Boolean(), server_default="false", nullable=False))
    op.create_index(
        "ix_products_trigrams",
        "products",
        [sa.literal_column("ims_trigrams(ims_product_text(sku, name, brand, model, barcode))")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_products_words",
        "products",
        [sa.literal_column("to_tsvector('simple'::regconfig, ims_product_text(sku, name, brand, model, barcode))")],
        postgresql_using="gin",
    )
    op.create_index("ix_products_brand", "products", ["brand"])
    op.create_unique_constraint(op.f("uq_products_barcode"), "products", ["barcode"])
    op.create_foreign_key(op.f("fk_products_brand"), "products", "brands", ["brand"], ["name"])
    op.create_foreign_key(
        op.f("fk_products_tax_class_id"), "products", "tax_classes", ["tax_class_id"], ["tax_class_id"]
    )
    op.create_foreign_key(op.f("fk_products_category"), "products", "categories", ["category"], ["code"])
    op.create_check_constraint(op.f("ck_products_barcode"), "products", "barcode <> ''")
    op.create_check_constraint(
        op.f("ck_products_discount_class"),
        "products",
        "discount_class IN ('MASS', 'PREMIUM', 'LUXURY', 'SERVICE', 'NON_DISCOUNTABLE')",
    )
    op.create_check_constraint(
        op.f("ck_products_gender"), "products", "gender IN ('women', 'men', 'unisex', 'children')"
    )
    op.create_check_constraint(op.f("ck_products_hsn_code"), "products", "hsn_code ~ '^[0-9]{4,8}$'")
    op.create_check_constraint(
        op.f("ck_products_lifecycle"),
        "products",
        "lifecycle IN ('NEW', 'CORE', 'SEASONAL', 'CLEARANCE', 'DISCONTINUED')",
    )
    op.create_check_constraint(op.f("ck_products_mrp"), "products", "mrp >= unit_price")


def _extend_vendors() -> None:
    op.add_column("vendors", sa.Column("kind", sa.String(), server_default="domestic", nullable=False))
    op.add_column("vendors", sa.Column("tax_registration", sa.String(), nullable=True))
    op.add_column("vendors", sa.Column("credit_days", sa.Integer(), server_default="30", nullable=False))
    op.add_column("vendors", sa.Column("quoted_lead_time_days", sa.Integer(), nullable=True))
    op.add_column("vendors", sa.Column("email", sa.String(), nullable=True))
    op.add_column("vendors", sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False))
    op.create_check_constraint(op.f("ck_vendors_credit_days"), "vendors", "credit_days >= 0")
    op.create_check_constraint(op.f("ck_vendors_kind"), "vendors", "kind IN ('domestic', 'international')")
    op.create_check_constraint(op.f("ck_vendors_quoted_lead_time_days"), "vendors", "quoted_lead_time_days >= 0")
    op.create_check_constraint(op.f("ck_vendors_tax_registration"), "vendors", "tax_registration <> ''")


def _extend_purchase_orders() -> None:
    op.add_column("purchase_orders", sa.Column("status", sa.String(), server_default="sent", nullable=False))
    op.add_column("purchase_orders", sa.Column("delivery_store_id", sa.BigInteger(), nullable=True))
    op.add_column("purchase_orders", sa.Column("created_by", sa.BigInteger(), nullable=True))
    op.add_column("purchase_orders", sa.Column("approved_by", sa.BigInteger(), nullable=True))
    op.add_column("purchase_orders", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchase_orders", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("purchase_orders", sa.Column("expected_on", sa.Date(), nullable=True))
    op.add_column("purchase_orders", sa.Column("note", sa.String(), nullable=True))
    op.add_column("purchase_orders", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_index(
        "ix_purchase_orders_open",
        "purchase_orders",
        ["status", "purchase_order_id"],
        postgresql_where=sa.text("status NOT IN ('received', 'cancelled')"),
    )
    op.create_index(
        "ix_purchase_orders_vendor_id_purchase_order_id", "purchase_orders", ["vendor_id", "purchase_order_id"]
    )
    op.create_index(
        "ix_purchase_orders_delivery_store_id", "purchase_orders", ["delivery_store_id", "purchase_order_id"]
    )
    op.create_foreign_key(
        op.f("fk_purchase_orders_delivery_store_id"), "purchase_orders", "stores", ["delivery_store_id"], ["store_id"]
    )
    op.create_foreign_key(
        op.f("fk_purchase_orders_approved_by"), "purchase_orders", "users", ["approved_by"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_purchase_orders_created_by"), "purchase_orders", "users", ["created_by"], ["user_id"]
    )
    op.create_check_constraint(
        op.f("ck_purchase_orders_a_draft_is_not_sent"),
        "purchase_orders",
        "status <> 'draft' OR (approved_by IS NULL AND sent_at IS NULL)",
    )
    op.create_check_constraint(
        op.f("ck_purchase_orders_approved_at"), "purchase_orders", "(approved_by IS NULL) = (approved_at IS NULL)"
    )
    op.create_check_constraint(
        op.f("ck_purchase_orders_approved_by_another"), "purchase_orders", "approved_by <> created_by"
    )
    op.create_check_constraint(
        op.f("ck_purchase_orders_has_a_vendor"), "purchase_orders", "created_by IS NULL OR vendor_id IS NOT NULL"
    )
    op.create_check_constraint(
        op.f("ck_purchase_orders_status"),
        "purchase_orders",
        "status IN ('draft', 'approved', 'sent', 'acknowledged', 'partially_received', 'received', 'cancelled')",
    )
    op.create_check_constraint(op.f("ck_purchase_orders_version"), "purchase_orders", "version > 0")


def _extend_purchase_order_lines() -> None:
    op.add_column("purchase_order_lines", sa.Column("lens_cell_id", sa.BigInteger(), nullable=True))
    op.add_column("purchase_order_lines", sa.Column("ordered_qty", sa.Integer(), nullable=True))
    op.add_column("purchase_order_lines", sa.Column("rejected_qty", sa.Integer(), server_default="0", nullable=False))
    op.add_column("purchase_order_lines", sa.Column("cancelled_qty", sa.Integer(), server_default="0", nullable=False))
    op.add_column("purchase_order_lines", sa.Column("unit_price", sa.Numeric(precision=14, scale=4), nullable=True))
    op.drop_constraint(
        op.f("uq_purchase_order_lines_purchase_order_id_store_id_product_id"), "purchase_order_lines", type_="unique"
    )
    op.drop_constraint(op.f("ck_purchase_order_lines_state"), "purchase_order_lines", type_="check")
    op.create_check_constraint(
        op.f("ck_purchase_order_lines_state"),
        "purchase_order_lines",
        "state IN ('draft', 'open', 'received', 'cancelled')",
    )
    op.create_index(
        "ix_purchase_order_lines_suggestion_id",
        "purchase_order_lines",
        ["suggestion_id"],
        postgresql_where=sa.text("suggestion_id IS NOT NULL"),
    )
    op.create_unique_constraint(
        "uq_purchase_order_lines_item",
        "purchase_order_lines",
        ["purchase_order_id", "store_id", "product_id", "lens_cell_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_check_constraint(
        op.f("ck_purchase_order_lines_a_draft_says_how_many"),
        "purchase_order_lines",
        "state <> 'draft' OR ordered_qty IS NOT NULL",
    )
    op.create_check_constraint(
        op.f("ck_purchase_order_lines_not_received"), "purchase_order_lines", "rejected_qty >= 0 AND cancelled_qty >= 0"
    )
    op.create_check_constraint(op.f("ck_purchase_order_lines_ordered_qty"), "purchase_order_lines", "ordered_qty > 0")
    op.create_check_constraint(op.f("ck_purchase_order_lines_unit_price"), "purchase_order_lines", "unit_price >= 0")


def _extend_sales_orders() -> None:
    op.add_column("sales_orders", sa.Column("order_number", sa.String(), nullable=True))
    op.add_column("sales_orders", sa.Column("patient_id", sa.BigInteger(), nullable=True))
    op.add_column("sales_orders", sa.Column("salesperson_id", sa.BigInteger(), nullable=True))
    op.add_column("sales_orders", sa.Column("channel", sa.String(), server_default="store", nullable=False))
    op.add_column("sales_orders", sa.Column("kind", sa.String(), server_default="quick", nullable=False))
    op.add_column("sales_orders", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sales_orders", sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sales_orders", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sales_orders", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sales_orders", sa.Column("cancel_reason", sa.String(), nullable=True))
    op.add_column("sales_orders", sa.Column("expected_on", sa.Date(), nullable=True))
    op.add_column("sales_orders", sa.Column("invoice_number", sa.String(), nullable=True))
    op.add_column("sales_orders", sa.Column("invoiced_on", sa.Date(), nullable=True))
    op.add_column("sales_orders", sa.Column("subtotal_amount", sa.Numeric(precision=14, scale=2), nullable=True))
    op.add_column("sales_orders", sa.Column("discount_amount", sa.Numeric(precision=14, scale=2), nullable=True))
    op.add_column("sales_orders", sa.Column("taxable_amount", sa.Numeric(precision=14, scale=2), nullable=True))
    op.add_column("sales_orders", sa.Column("tax_amount", sa.Numeric(precision=14, scale=2), nullable=True))
    op.add_column("sales_orders", sa.Column("total_amount", sa.Numeric(precision=14, scale=2), nullable=True))
    op.add_column("sales_orders", sa.Column("place_of_supply", sa.String(), nullable=True))
    op.add_column("sales_orders", sa.Column("created_by", sa.BigInteger(), nullable=True))
    op.add_column("sales_orders", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_index("ix_sales_orders_customer_id_sales_order_id", "sales_orders", ["customer_id", "sales_order_id"])
    op.create_index(
        "ix_sales_orders_open",
        "sales_orders",
        ["store_id", "status", "sales_order_id"],
        postgresql_where=sa.text("status IN ('draft', 'confirmed', 'processing', 'ready')"),
    )
    for column in ("created_by", "salesperson_id"):
        op.create_index(
            f"ix_sales_orders_{column}", "sales_orders", [column], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )
    op.create_index("ix_sales_orders_store_id_sales_order_id", "sales_orders", ["store_id", "sales_order_id"])
    op.create_index(
        "ix_sales_orders_patient_id", "sales_orders", ["patient_id"], postgresql_where=sa.text("patient_id IS NOT NULL")
    )
    op.create_unique_constraint(op.f("uq_sales_orders_invoice_number"), "sales_orders", ["invoice_number"])
    op.create_unique_constraint(op.f("uq_sales_orders_order_number"), "sales_orders", ["order_number"])
    op.create_unique_constraint(
        op.f("uq_sales_orders_sales_order_id_ordered_on"), "sales_orders", ["sales_order_id", "ordered_on"]
    )
    op.create_foreign_key(
        op.f("fk_sales_orders_salesperson_id"), "sales_orders", "users", ["salesperson_id"], ["user_id"]
    )
    op.create_foreign_key(op.f("fk_sales_orders_created_by"), "sales_orders", "users", ["created_by"], ["user_id"])
    op.create_foreign_key(
        op.f("fk_sales_orders_patient_id"), "sales_orders", "patients", ["patient_id"], ["patient_id"]
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_a_draft_is_not_confirmed"), "sales_orders", "status <> 'draft' OR confirmed_at IS NULL"
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_amounts"),
        "sales_orders",
        "subtotal_amount >= 0 AND discount_amount >= 0 AND tax_amount >= 0",
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_amounts_together"),
        "sales_orders",
        "num_nulls(subtotal_amount, discount_amount, taxable_amount, tax_amount, total_amount) IN (0, 5)",
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_cancelled"), "sales_orders", "cancelled_at IS NULL OR status = 'cancelled'"
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_channel"), "sales_orders", "channel IN ('store', 'online', 'phone')"
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_delivered"), "sales_orders", "delivered_at IS NULL OR status IN ('delivered', 'returned')"
    )
    op.create_check_constraint(op.f("ck_sales_orders_discount_amount"), "sales_orders", "taxable_amount >= 0")
    op.create_check_constraint(
        op.f("ck_sales_orders_invoice"), "sales_orders", "(invoice_number IS NULL) = (invoiced_on IS NULL)"
    )
    op.create_check_constraint(op.f("ck_sales_orders_kind"), "sales_orders", "kind IN ('quick', 'prescription')")
    op.create_check_constraint(
        op.f("ck_sales_orders_order_of_times"),
        "sales_orders",
        "ready_at >= confirmed_at AND delivered_at >= confirmed_at",
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_prescribed_to_a_patient"),
        "sales_orders",
        "kind = 'quick' OR status = 'draft' OR patient_id IS NOT NULL",
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_taxable_amount"), "sales_orders", "taxable_amount = subtotal_amount - discount_amount"
    )
    op.create_check_constraint(
        op.f("ck_sales_orders_total_amount"), "sales_orders", "total_amount = taxable_amount + tax_amount"
    )
    op.create_check_constraint(op.f("ck_sales_orders_version"), "sales_orders", "version > 0")


def _extend_payments() -> None:
    op.alter_column("payments", "received_at", server_default=sa.text("now()"))
    op.add_column("payments", sa.Column("kind", sa.String(), server_default="payment", nullable=False))
    op.add_column("payments", sa.Column("received_by", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_payments_reference",
        "payments",
        ["method", "reference", "kind"],
        unique=True,
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_foreign_key(op.f("fk_payments_received_by"), "payments", "users", ["received_by"], ["user_id"])
    op.create_check_constraint(op.f("ck_payments_amount"), "payments", "amount > 0")
    op.create_check_constraint(op.f("ck_payments_kind"), "payments", "kind IN ('payment', 'refund')")
    op.create_check_constraint(
        op.f("ck_payments_no_card_number"),
        "payments",
        "NOT ims_looks_like_card(reference) OR (method = 'upi' AND length(reference) = 12)",
    )
    op.create_check_constraint(op.f("ck_payments_reference"), "payments", "reference <> ''")


def _index_plans() -> None:
    op.create_index(
        "ix_suggestions_decided",
        "suggestions",
        ["as_of"],
        postgresql_where=sa.text("state IN ('approved', 'edited', 'refused', 'ordered', 'received')"),
    )
    op.create_index("ix_supply_terms_vendor_id_supply_term_id", "supply_terms", ["vendor_id", "supply_term_id"])


def _create_lines() -> None:
    op.create_table(
        "sales_order_lines",
        sa.Column("sales_order_line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("sales_order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_ref", sa.String(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sold_on", sa.Date(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("net_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("mrp", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("discount_share", sa.Numeric(precision=6, scale=4), nullable=True),
        sa.Column("discount_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("tax_rate", sa.Numeric(precision=6, scale=4), nullable=True),
        sa.Column("tax_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("line_total", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("cost_at_sale", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("lens_cell_id", sa.BigInteger(), nullable=True),
        sa.Column("prescription_id", sa.BigInteger(), nullable=True),
        sa.Column("pair_group", sa.Integer(), nullable=True),
        sa.Column("eye", sa.String(), nullable=True),
        *_tracked(),
        sa.CheckConstraint("eye IN ('right', 'left')", name=op.f("ck_sales_order_lines_eye")),
        sa.CheckConstraint("discount_amount >= 0", name=op.f("ck_sales_order_lines_discount_amount")),
        sa.CheckConstraint("discount_share BETWEEN 0 AND 1", name=op.f("ck_sales_order_lines_discount_share")),
        sa.CheckConstraint("line_total = net_amount + tax_amount", name=op.f("ck_sales_order_lines_line_total")),
        sa.CheckConstraint("mrp >= unit_price", name=op.f("ck_sales_order_lines_mrp")),
        sa.CheckConstraint(
            "net_amount = round(quantity * unit_price, 2) - discount_amount",
            name=op.f("ck_sales_order_lines_net_amount"),
        ),
        sa.CheckConstraint("pair_group > 0", name=op.f("ck_sales_order_lines_pair_group")),
        sa.CheckConstraint(
            "tax_amount = round(net_amount * tax_rate, 2)", name=op.f("ck_sales_order_lines_tax_amount")
        ),
        sa.CheckConstraint("tax_rate BETWEEN 0 AND 1", name=op.f("ck_sales_order_lines_tax_rate")),
        sa.CheckConstraint("unit_price >= 0 AND cost_at_sale >= 0", name=op.f("ck_sales_order_lines_prices")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescriptions.prescription_id"], name=op.f("fk_sales_order_lines_prescription_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_sales_order_lines_product_id")),
        sa.ForeignKeyConstraint(
            ["sales_order_id", "ordered_on"],
            ["sales_orders.sales_order_id", "sales_orders.ordered_on"],
            name=op.f("fk_sales_order_lines_sales_order_id_ordered_on"),
        ),
        sa.PrimaryKeyConstraint("sales_order_line_id", "ordered_on", name=op.f("pk_sales_order_lines")),
        sa.UniqueConstraint(
            "sales_order_id",
            "line_ref",
            "ordered_on",
            name=op.f("uq_sales_order_lines_sales_order_id_line_ref_ordered_on"),
        ),
        postgresql_partition_by="RANGE (ordered_on)",
    )
    op.create_index("ix_sales_order_lines_changed_xid", "sales_order_lines", ["changed_xid"], postgresql_using="brin")
    op.create_index(
        "ix_sales_order_lines_prescription_id",
        "sales_order_lines",
        ["prescription_id"],
        postgresql_where=sa.text("prescription_id IS NOT NULL"),
    )
