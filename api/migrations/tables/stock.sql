-- The tables of revision 0006, frozen as they were then; why each is as it is stands in api/schema/stock*.py.
CREATE TABLE lens_cells (
    lens_cell_id BIGINT GENERATED ALWAYS AS IDENTITY,
    product_id BIGINT NOT NULL,
    sph NUMERIC(5, 2) NOT NULL,
    cyl NUMERIC(5, 2) DEFAULT '0' NOT NULL,
    add NUMERIC(5, 2),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_lens_cells PRIMARY KEY (lens_cell_id),
    CONSTRAINT uq_lens_cells_product_id_sph_cyl_add UNIQUE NULLS NOT DISTINCT (product_id, sph, cyl, add),
    CONSTRAINT uq_lens_cells_lens_cell_id_product_id UNIQUE (lens_cell_id, product_id),
    CONSTRAINT ck_lens_cells_sph CHECK (sph BETWEEN -25 AND 25),
    CONSTRAINT ck_lens_cells_cyl CHECK (cyl BETWEEN -6 AND 6),
    CONSTRAINT ck_lens_cells_add CHECK (add BETWEEN 0.75 AND 4),
    CONSTRAINT ck_lens_cells_grid
        CHECK (mod(sph, 0.25) = 0 AND mod(cyl, 0.25) = 0 AND coalesce(mod(add, 0.25), 0) = 0),
    CONSTRAINT fk_lens_cells_product_id FOREIGN KEY (product_id) REFERENCES products (product_id)
);

CREATE TABLE stock_units (
    stock_unit_id BIGINT GENERATED ALWAYS AS IDENTITY,
    product_id BIGINT NOT NULL,
    serial VARCHAR NOT NULL,
    barcode VARCHAR,
    batch_code VARCHAR,
    expires_on DATE,
    status VARCHAR DEFAULT 'good' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_units PRIMARY KEY (stock_unit_id),
    CONSTRAINT uq_stock_units_product_id_serial UNIQUE (product_id, serial),
    CONSTRAINT uq_stock_units_stock_unit_id_product_id UNIQUE (stock_unit_id, product_id),
    CONSTRAINT ck_stock_units_status CHECK (status IN ('good', 'damaged', 'expired', 'under_audit')),
    CONSTRAINT fk_stock_units_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
    CONSTRAINT uq_stock_units_barcode UNIQUE (barcode)
);
CREATE INDEX ix_stock_units_serial ON stock_units (serial);

CREATE TABLE stock_moves (
    stock_move_id BIGINT GENERATED ALWAYS AS IDENTITY,
    product_id BIGINT NOT NULL,
    source_location_id BIGINT NOT NULL,
    destination_location_id BIGINT NOT NULL,
    quantity INTEGER NOT NULL,
    moved_on DATE NOT NULL,
    kind VARCHAR NOT NULL,
    reference VARCHAR,
    lens_cell_id BIGINT,
    stock_unit_id BIGINT,
    unit_cost NUMERIC(14, 4),
    reference_type VARCHAR,
    reference_id BIGINT,
    posted_by BIGINT,
    posted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_moves PRIMARY KEY (stock_move_id, moved_on),
    CONSTRAINT ck_stock_moves_quantity CHECK (quantity > 0),
    CONSTRAINT ck_stock_moves_moves_somewhere CHECK (source_location_id <> destination_location_id),
    CONSTRAINT ck_stock_moves_kind
        CHECK (kind IN ('opening', 'receipt', 'sale', 'return', 'count', 'adjustment', 'damage', 'expiry', 'transfer',
               'transfer_ship', 'transfer_receive', 'remake', 'vendor_return', 'reversal')),
    CONSTRAINT ck_stock_moves_a_unit_is_one CHECK (stock_unit_id IS NULL OR quantity = 1),
    CONSTRAINT ck_stock_moves_cell_or_unit CHECK (num_nonnulls(lens_cell_id, stock_unit_id) <= 1),
    CONSTRAINT ck_stock_moves_references_a_row CHECK ((reference_type IS NULL) = (reference_id IS NULL)),
    CONSTRAINT fk_stock_moves_lens_cell_id_product_id
        FOREIGN KEY (lens_cell_id, product_id) REFERENCES lens_cells (lens_cell_id, product_id),
    CONSTRAINT fk_stock_moves_stock_unit_id_product_id
        FOREIGN KEY (stock_unit_id, product_id) REFERENCES stock_units (stock_unit_id, product_id),
    CONSTRAINT fk_stock_moves_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
    CONSTRAINT fk_stock_moves_source_location_id
        FOREIGN KEY (source_location_id) REFERENCES stock_locations (location_id),
    CONSTRAINT fk_stock_moves_destination_location_id
        FOREIGN KEY (destination_location_id) REFERENCES stock_locations (location_id),
    CONSTRAINT fk_stock_moves_posted_by FOREIGN KEY (posted_by) REFERENCES users (user_id)
) PARTITION BY RANGE (moved_on);
CREATE INDEX ix_stock_moves_changed_xid ON stock_moves USING brin (changed_xid);
CREATE INDEX ix_stock_moves_product_id ON stock_moves (product_id, moved_on);
CREATE INDEX ix_stock_moves_reference ON stock_moves (reference_type, reference_id) WHERE reference_id IS NOT NULL;

CREATE TABLE stock_move_reversals (
    reversed_move_id BIGINT NOT NULL,
    reversed_on DATE NOT NULL,
    reversal_move_id BIGINT NOT NULL,
    reversal_on DATE NOT NULL,
    reason VARCHAR NOT NULL,
    reversed_by BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_move_reversals PRIMARY KEY (reversed_move_id),
    CONSTRAINT fk_stock_move_reversals_reversed_move_id_reversed_on
        FOREIGN KEY (reversed_move_id, reversed_on) REFERENCES stock_moves (stock_move_id, moved_on),
    CONSTRAINT fk_stock_move_reversals_reversal_move_id_reversal_on
        FOREIGN KEY (reversal_move_id, reversal_on) REFERENCES stock_moves (stock_move_id, moved_on),
    CONSTRAINT ck_stock_move_reversals_reason CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT uq_stock_move_reversals_reversal_move_id UNIQUE (reversal_move_id),
    CONSTRAINT fk_stock_move_reversals_reversed_by FOREIGN KEY (reversed_by) REFERENCES users (user_id)
);

CREATE TABLE stock_balances (
    stock_balance_id BIGINT GENERATED ALWAYS AS IDENTITY,
    location_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    lens_cell_id BIGINT,
    stock_unit_id BIGINT,
    on_hand BIGINT DEFAULT '0' NOT NULL,
    reserved BIGINT DEFAULT '0' NOT NULL,
    held_unit_id BIGINT GENERATED ALWAYS AS (CASE WHEN on_hand > 0 THEN stock_unit_id END) STORED,
    CONSTRAINT pk_stock_balances PRIMARY KEY (stock_balance_id),
    CONSTRAINT ck_stock_balances_on_hand CHECK (on_hand >= 0),
    CONSTRAINT ck_stock_balances_reserved CHECK (reserved >= 0),
    CONSTRAINT ck_stock_balances_a_unit_is_one CHECK (stock_unit_id IS NULL OR on_hand <= 1),
    CONSTRAINT fk_stock_balances_location_id FOREIGN KEY (location_id) REFERENCES stock_locations (location_id),
    CONSTRAINT fk_stock_balances_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
    CONSTRAINT fk_stock_balances_lens_cell_id FOREIGN KEY (lens_cell_id) REFERENCES lens_cells (lens_cell_id),
    CONSTRAINT fk_stock_balances_stock_unit_id FOREIGN KEY (stock_unit_id) REFERENCES stock_units (stock_unit_id),
    CONSTRAINT uq_stock_balances_held_unit_id UNIQUE (held_unit_id)
) WITH (fillfactor = 70);
CREATE INDEX ix_stock_balances_product_id ON stock_balances (product_id);
CREATE UNIQUE INDEX uq_stock_balances_key
    ON stock_balances (location_id, product_id, coalesce(lens_cell_id, 0::bigint), coalesce(stock_unit_id, 0::bigint));

CREATE TABLE stock_reservations (
    stock_reservation_id BIGINT GENERATED ALWAYS AS IDENTITY,
    location_id BIGINT NOT NULL,
    quantity INTEGER NOT NULL,
    state VARCHAR DEFAULT 'active' NOT NULL,
    reference_type VARCHAR NOT NULL,
    reference_id BIGINT NOT NULL,
    created_by BIGINT,
    product_id BIGINT NOT NULL,
    lens_cell_id BIGINT,
    stock_unit_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_reservations PRIMARY KEY (stock_reservation_id),
    CONSTRAINT fk_stock_reservations_lens_cell_id_product_id
        FOREIGN KEY (lens_cell_id, product_id) REFERENCES lens_cells (lens_cell_id, product_id),
    CONSTRAINT fk_stock_reservations_stock_unit_id_product_id
        FOREIGN KEY (stock_unit_id, product_id) REFERENCES stock_units (stock_unit_id, product_id),
    CONSTRAINT ck_stock_reservations_cell_or_unit CHECK (num_nonnulls(lens_cell_id, stock_unit_id) <= 1),
    CONSTRAINT ck_stock_reservations_quantity CHECK (quantity > 0),
    CONSTRAINT ck_stock_reservations_a_unit_is_one CHECK (stock_unit_id IS NULL OR quantity = 1),
    CONSTRAINT ck_stock_reservations_state CHECK (state IN ('active', 'used', 'released')),
    CONSTRAINT fk_stock_reservations_location_id FOREIGN KEY (location_id) REFERENCES stock_locations (location_id),
    CONSTRAINT fk_stock_reservations_created_by FOREIGN KEY (created_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_reservations_product_id FOREIGN KEY (product_id) REFERENCES products (product_id)
);
CREATE INDEX ix_stock_reservations_reference ON stock_reservations (reference_type, reference_id);

CREATE TABLE stock_transfers (
    stock_transfer_id BIGINT GENERATED ALWAYS AS IDENTITY,
    from_store_id BIGINT NOT NULL,
    to_store_id BIGINT NOT NULL,
    status VARCHAR DEFAULT 'requested' NOT NULL,
    note VARCHAR,
    suggestion_id BIGINT,
    requested_by BIGINT NOT NULL,
    approved_by BIGINT,
    approved_at TIMESTAMP WITH TIME ZONE,
    decision_note VARCHAR,
    shipped_by BIGINT,
    shipped_at TIMESTAMP WITH TIME ZONE,
    received_by BIGINT,
    received_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_transfers PRIMARY KEY (stock_transfer_id),
    CONSTRAINT ck_stock_transfers_goes_somewhere CHECK (from_store_id <> to_store_id),
    CONSTRAINT ck_stock_transfers_status
        CHECK (status IN ('requested', 'approved', 'rejected', 'shipped', 'partially_received', 'received', 'cancelled')),
    CONSTRAINT ck_stock_transfers_approved_by_another CHECK (approved_by <> requested_by),
    CONSTRAINT ck_stock_transfers_approved CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT ck_stock_transfers_shipped CHECK ((shipped_by IS NULL) = (shipped_at IS NULL)),
    CONSTRAINT ck_stock_transfers_received CHECK ((received_by IS NULL) = (received_at IS NULL)),
    CONSTRAINT ck_stock_transfers_decided_by_somebody
        CHECK (status IN ('requested', 'cancelled') OR approved_by IS NOT NULL),
    CONSTRAINT ck_stock_transfers_shipped_by_somebody
        CHECK (status NOT IN ('shipped', 'partially_received', 'received') OR shipped_by IS NOT NULL),
    CONSTRAINT ck_stock_transfers_received_by_somebody
        CHECK (status NOT IN ('partially_received', 'received') OR received_by IS NOT NULL),
    CONSTRAINT fk_stock_transfers_from_store_id FOREIGN KEY (from_store_id) REFERENCES stores (store_id),
    CONSTRAINT fk_stock_transfers_to_store_id FOREIGN KEY (to_store_id) REFERENCES stores (store_id),
    CONSTRAINT fk_stock_transfers_suggestion_id FOREIGN KEY (suggestion_id) REFERENCES suggestions (suggestion_id),
    CONSTRAINT fk_stock_transfers_requested_by FOREIGN KEY (requested_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_transfers_approved_by FOREIGN KEY (approved_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_transfers_shipped_by FOREIGN KEY (shipped_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_transfers_received_by FOREIGN KEY (received_by) REFERENCES users (user_id)
);
CREATE INDEX ix_stock_transfers_from_store_id ON stock_transfers (from_store_id, stock_transfer_id);
CREATE INDEX ix_stock_transfers_to_store_id ON stock_transfers (to_store_id, stock_transfer_id);
CREATE INDEX ix_stock_transfers_suggestion_id ON stock_transfers (suggestion_id) WHERE suggestion_id IS NOT NULL;

CREATE TABLE stock_transfer_lines (
    stock_transfer_line_id BIGINT GENERATED ALWAYS AS IDENTITY,
    stock_transfer_id BIGINT NOT NULL,
    requested_qty INTEGER NOT NULL,
    approved_qty INTEGER,
    shipped_qty INTEGER DEFAULT '0' NOT NULL,
    received_qty INTEGER DEFAULT '0' NOT NULL,
    damaged_qty INTEGER DEFAULT '0' NOT NULL,
    lost_qty INTEGER DEFAULT '0' NOT NULL,
    short_reason VARCHAR,
    product_id BIGINT NOT NULL,
    lens_cell_id BIGINT,
    stock_unit_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_transfer_lines PRIMARY KEY (stock_transfer_line_id),
    CONSTRAINT fk_stock_transfer_lines_lens_cell_id_product_id
        FOREIGN KEY (lens_cell_id, product_id) REFERENCES lens_cells (lens_cell_id, product_id),
    CONSTRAINT fk_stock_transfer_lines_stock_unit_id_product_id
        FOREIGN KEY (stock_unit_id, product_id) REFERENCES stock_units (stock_unit_id, product_id),
    CONSTRAINT ck_stock_transfer_lines_cell_or_unit CHECK (num_nonnulls(lens_cell_id, stock_unit_id) <= 1),
    CONSTRAINT uq_stock_transfer_lines_goods UNIQUE NULLS NOT DISTINCT (stock_transfer_id, product_id, lens_cell_id, stock_unit_id),
    CONSTRAINT ck_stock_transfer_lines_requested_qty CHECK (requested_qty > 0),
    CONSTRAINT ck_stock_transfer_lines_a_unit_is_one CHECK (stock_unit_id IS NULL OR requested_qty = 1),
    CONSTRAINT ck_stock_transfer_lines_approved_qty CHECK (approved_qty BETWEEN 0 AND requested_qty),
    CONSTRAINT ck_stock_transfer_lines_shipped_qty
        CHECK (shipped_qty >= 0 AND shipped_qty <= coalesce(approved_qty, 0)),
    CONSTRAINT ck_stock_transfer_lines_outcomes CHECK (received_qty >= 0 AND damaged_qty >= 0 AND lost_qty >= 0),
    CONSTRAINT ck_stock_transfer_lines_arrives_what_was_shipped
        CHECK (received_qty + damaged_qty + lost_qty <= shipped_qty),
    CONSTRAINT fk_stock_transfer_lines_stock_transfer_id
        FOREIGN KEY (stock_transfer_id) REFERENCES stock_transfers (stock_transfer_id),
    CONSTRAINT fk_stock_transfer_lines_product_id FOREIGN KEY (product_id) REFERENCES products (product_id)
);

CREATE TABLE stock_counts (
    stock_count_id BIGINT GENERATED ALWAYS AS IDENTITY,
    store_id BIGINT NOT NULL,
    category VARCHAR,
    status VARCHAR DEFAULT 'open' NOT NULL,
    note VARCHAR,
    opened_by BIGINT NOT NULL,
    closed_by BIGINT,
    closed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_counts PRIMARY KEY (stock_count_id),
    CONSTRAINT ck_stock_counts_status CHECK (status IN ('open', 'posted', 'cancelled')),
    CONSTRAINT ck_stock_counts_closed CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT ck_stock_counts_closed_by_somebody CHECK ((closed_by IS NULL) = (closed_at IS NULL)),
    CONSTRAINT fk_stock_counts_store_id FOREIGN KEY (store_id) REFERENCES stores (store_id),
    CONSTRAINT fk_stock_counts_opened_by FOREIGN KEY (opened_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_counts_closed_by FOREIGN KEY (closed_by) REFERENCES users (user_id)
);
CREATE INDEX ix_stock_counts_store_id ON stock_counts (store_id, stock_count_id);

CREATE TABLE stock_count_lines (
    stock_count_line_id BIGINT GENERATED ALWAYS AS IDENTITY,
    stock_count_id BIGINT NOT NULL,
    counted_qty INTEGER,
    expected_qty INTEGER,
    reason VARCHAR,
    counted_by BIGINT,
    counted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    product_id BIGINT NOT NULL,
    lens_cell_id BIGINT,
    stock_unit_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_count_lines PRIMARY KEY (stock_count_line_id),
    CONSTRAINT fk_stock_count_lines_lens_cell_id_product_id
        FOREIGN KEY (lens_cell_id, product_id) REFERENCES lens_cells (lens_cell_id, product_id),
    CONSTRAINT fk_stock_count_lines_stock_unit_id_product_id
        FOREIGN KEY (stock_unit_id, product_id) REFERENCES stock_units (stock_unit_id, product_id),
    CONSTRAINT ck_stock_count_lines_cell_or_unit CHECK (num_nonnulls(lens_cell_id, stock_unit_id) <= 1),
    CONSTRAINT uq_stock_count_lines_goods UNIQUE NULLS NOT DISTINCT (stock_count_id, product_id, lens_cell_id, stock_unit_id),
    CONSTRAINT ck_stock_count_lines_counted_qty CHECK (counted_qty >= 0),
    CONSTRAINT ck_stock_count_lines_a_unit_is_one CHECK (stock_unit_id IS NULL OR counted_qty <= 1),
    CONSTRAINT ck_stock_count_lines_expected_qty CHECK (expected_qty >= 0),
    CONSTRAINT ck_stock_count_lines_expected_when_counted CHECK ((counted_qty IS NULL) = (expected_qty IS NULL)),
    CONSTRAINT fk_stock_count_lines_stock_count_id
        FOREIGN KEY (stock_count_id) REFERENCES stock_counts (stock_count_id),
    CONSTRAINT fk_stock_count_lines_counted_by FOREIGN KEY (counted_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_count_lines_product_id FOREIGN KEY (product_id) REFERENCES products (product_id)
);

CREATE TABLE stock_adjustments (
    stock_adjustment_id BIGINT GENERATED ALWAYS AS IDENTITY,
    store_id BIGINT NOT NULL,
    quantity INTEGER NOT NULL,
    reason VARCHAR NOT NULL,
    note VARCHAR,
    status VARCHAR DEFAULT 'pending' NOT NULL,
    needs_approval BOOLEAN NOT NULL,
    requested_by BIGINT NOT NULL,
    approved_by BIGINT,
    approved_at TIMESTAMP WITH TIME ZONE,
    decision_note VARCHAR,
    product_id BIGINT NOT NULL,
    lens_cell_id BIGINT,
    stock_unit_id BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_xid BIGINT DEFAULT (pg_current_xact_id()::text::bigint) NOT NULL,
    CONSTRAINT pk_stock_adjustments PRIMARY KEY (stock_adjustment_id),
    CONSTRAINT fk_stock_adjustments_lens_cell_id_product_id
        FOREIGN KEY (lens_cell_id, product_id) REFERENCES lens_cells (lens_cell_id, product_id),
    CONSTRAINT fk_stock_adjustments_stock_unit_id_product_id
        FOREIGN KEY (stock_unit_id, product_id) REFERENCES stock_units (stock_unit_id, product_id),
    CONSTRAINT ck_stock_adjustments_cell_or_unit CHECK (num_nonnulls(lens_cell_id, stock_unit_id) <= 1),
    CONSTRAINT ck_stock_adjustments_quantity CHECK (quantity <> 0),
    CONSTRAINT ck_stock_adjustments_a_unit_is_one CHECK (stock_unit_id IS NULL OR abs(quantity) = 1),
    CONSTRAINT ck_stock_adjustments_reason
        CHECK (reason IN ('damage', 'expiry', 'theft', 'found', 'miscount', 'display', 'sample', 'other')),
    CONSTRAINT ck_stock_adjustments_status CHECK (status IN ('pending', 'posted', 'refused')),
    CONSTRAINT ck_stock_adjustments_approved_by_another CHECK (approved_by <> requested_by),
    CONSTRAINT ck_stock_adjustments_approved CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT ck_stock_adjustments_refused_by_somebody CHECK (status <> 'refused' OR approved_by IS NOT NULL),
    CONSTRAINT ck_stock_adjustments_posted_once_approved
        CHECK (NOT needs_approval OR status = 'pending' OR approved_by IS NOT NULL),
    CONSTRAINT fk_stock_adjustments_store_id FOREIGN KEY (store_id) REFERENCES stores (store_id),
    CONSTRAINT fk_stock_adjustments_requested_by FOREIGN KEY (requested_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_adjustments_approved_by FOREIGN KEY (approved_by) REFERENCES users (user_id),
    CONSTRAINT fk_stock_adjustments_product_id FOREIGN KEY (product_id) REFERENCES products (product_id)
);
CREATE INDEX ix_stock_adjustments_pending ON stock_adjustments (store_id) WHERE status = 'pending';
CREATE INDEX ix_stock_adjustments_store_id ON stock_adjustments (store_id, stock_adjustment_id);
