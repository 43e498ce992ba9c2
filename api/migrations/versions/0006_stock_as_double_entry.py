"""Stock as double entry: balances that the ledger keeps, units, cells, reservations, transfers, counts.

The ledger becomes a table partitioned by month; its moves are carried over as they are, and back. Going back is
refused while the ledger holds what the earlier one had no words for.
"""

from __future__ import annotations

import json
from pathlib import Path

from alembic import op

from api.migrations.tracking import track, untrack

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MIGRATIONS = Path(__file__).parents[1]
KEYS = {
    "lens_cells": "lens_cell_id",
    "stock_units": "stock_unit_id",
    "stock_moves": "stock_move_id",
    "stock_move_reversals": "reversed_move_id",
    "stock_reservations": "stock_reservation_id",
    "stock_transfers": "stock_transfer_id",
    "stock_transfer_lines": "stock_transfer_line_id",
    "stock_counts": "stock_count_id",
    "stock_count_lines": "stock_count_line_id",
    "stock_adjustments": "stock_adjustment_id",
}
STATUSES = {
    "stock_transfers": {
        "requested": ["approved", "rejected", "cancelled"],
        "approved": ["shipped", "cancelled"],
        "shipped": ["partially_received", "received"],
        "partially_received": ["received"],
    },
    "stock_counts": {"open": ["posted", "cancelled"]},
    "stock_adjustments": {"pending": ["posted", "refused"]},
}
CARRIED = (
    "stock_move_id, product_id, source_location_id, destination_location_id, quantity, moved_on, kind, reference, "
    "created_at, updated_at, changed_xid"
)
APPEND_ONLY = """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON stock_moves
        FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('a posted move is reversed, never changed');
"""
LINES_WITH_CELLS = ("sales_order_lines", "purchase_order_lines", "vendor_return_lines")
INTERNAL = "('store', 'transit', 'lab', 'quarantine')"


def upgrade() -> None:
    _extend_locations()
    op.execute(
        """
        ALTER TABLE stock_moves RENAME TO stock_moves_before;
        ALTER INDEX ix_stock_moves_product_id RENAME TO ix_before_product_id;
        ALTER INDEX ix_stock_moves_changed_xid RENAME TO ix_before_changed_xid;
        ALTER TABLE stock_moves_before RENAME CONSTRAINT pk_stock_moves TO pk_before;
        """
    )
    op.execute((MIGRATIONS / "tables" / "stock.sql").read_text(encoding="utf-8"))
    op.execute((MIGRATIONS / "functions" / "stock.sql").read_text(encoding="utf-8"))
    for table, key in KEYS.items():
        track(table, key)
    _add_triggers()
    op.execute(
        f"""
        SELECT ims_make_partitions('stock_moves', min(moved_on), max(moved_on)) FROM stock_moves_before;
        INSERT INTO stock_moves ({CARRIED}, posted_at) OVERRIDING SYSTEM VALUE
        SELECT {CARRIED}, created_at FROM stock_moves_before ORDER BY stock_move_id;
        SELECT setval(pg_get_serial_sequence('stock_moves', 'stock_move_id'), max(stock_move_id))
          FROM stock_moves HAVING count(*) > 0;
        DROP TABLE stock_moves_before;
        """
    )
    for table in LINES_WITH_CELLS:
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_lens_cell_id_product_id "
            "FOREIGN KEY (lens_cell_id, product_id) REFERENCES lens_cells (lens_cell_id, product_id)"
        )


def _extend_locations() -> None:
    op.execute(
        f"""
        ALTER TABLE stock_locations
            DROP CONSTRAINT ck_stock_locations_kind,
            DROP CONSTRAINT ck_stock_locations_only_stores_have_a_store,
            ADD COLUMN is_internal boolean NOT NULL GENERATED ALWAYS AS (kind IN {INTERNAL}) STORED,
            ADD CONSTRAINT ck_stock_locations_kind
                CHECK (kind IN ('store', 'transit', 'lab', 'quarantine', 'vendor', 'customer', 'loss', 'opening')),
            ADD CONSTRAINT ck_stock_locations_inside_a_store CHECK (is_internal = (store_id IS NOT NULL));
        CREATE INDEX ix_stock_locations_store_id ON stock_locations (store_id);
        INSERT INTO stock_locations (kind, store_id)
        SELECT place, store_id FROM stores CROSS JOIN unnest(ARRAY['store', 'transit', 'lab', 'quarantine']) AS place
         ORDER BY store_id, place ON CONFLICT DO NOTHING;
        """
    )


def _add_triggers() -> None:
    op.execute(
        """
        REVOKE EXECUTE ON FUNCTION ims_change_balances FROM PUBLIC;
        CREATE TRIGGER place AFTER INSERT ON stores REFERENCING NEW TABLE AS opened
            FOR EACH STATEMENT EXECUTE FUNCTION ims_place_stores();
        CREATE TRIGGER stays_what_it_is BEFORE UPDATE ON stock_locations FOR EACH ROW
            WHEN ((OLD.kind, OLD.store_id) IS DISTINCT FROM (NEW.kind, NEW.store_id))
            EXECUTE FUNCTION ims_refuse('its balances would be those of another place');
        CREATE TRIGGER derived BEFORE INSERT OR UPDATE OR DELETE ON stock_balances FOR EACH STATEMENT
            WHEN (current_setting('ims.ledger', true) IS DISTINCT FROM 'open')
            EXECUTE FUNCTION ims_refuse('on hand follows the moves, reserved the reservations; post one of these');
        CREATE TRIGGER follow AFTER INSERT ON stock_moves REFERENCING NEW TABLE AS posted
            FOR EACH STATEMENT EXECUTE FUNCTION ims_follow_moves();
        CREATE TRIGGER follow_new AFTER INSERT ON stock_reservations REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT EXECUTE FUNCTION ims_follow_reservations();
        CREATE TRIGGER follow_changed AFTER UPDATE ON stock_reservations
            REFERENCING OLD TABLE AS overwritten NEW TABLE AS written
            FOR EACH STATEMENT EXECUTE FUNCTION ims_follow_reservations();
        CREATE TRIGGER guard BEFORE UPDATE ON stock_reservations FOR EACH ROW
            WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION ims_guard_reservation();
        CREATE TRIGGER keep BEFORE DELETE ON stock_reservations
            FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('a reservation is released or used, never deleted');
        CREATE TRIGGER mirrors BEFORE INSERT ON stock_move_reversals
            FOR EACH ROW EXECUTE FUNCTION ims_check_reversal();
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON stock_move_reversals
            FOR EACH STATEMENT EXECUTE FUNCTION ims_refuse('what was reversed stays reversed');
        -- an import may put the other triggers to sleep (session_replication_role), these stay awake
        ALTER TABLE stock_moves ENABLE ALWAYS TRIGGER follow;
        ALTER TABLE stock_reservations ENABLE ALWAYS TRIGGER follow_new;
        ALTER TABLE stock_reservations ENABLE ALWAYS TRIGGER follow_changed;
        """
    )
    op.execute(APPEND_ONLY)
    for table, follows in STATUSES.items():
        op.execute(
            f"CREATE TRIGGER guard_status BEFORE UPDATE OF status ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION ims_guard_stock_status('{json.dumps(follows)}')"
        )


def downgrade() -> None:
    op.execute(
        f"""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM stock_moves
                        WHERE kind NOT IN ('opening', 'receipt', 'sale', 'return', 'count', 'transfer', 'reversal')
                           OR lens_cell_id IS NOT NULL OR stock_unit_id IS NOT NULL)
               OR EXISTS (SELECT FROM stock_moves m JOIN stock_locations l
                              ON l.location_id IN (m.source_location_id, m.destination_location_id)
                           WHERE l.kind IN ('transit', 'lab', 'quarantine')) THEN
                RAISE EXCEPTION 'the ledger holds moves that revision 0005 has no words for: transfers on their way, '
                    'labs, lens cells, units; going back would lose them';
            END IF;
        END $$;
        CREATE TABLE stock_moves_before AS SELECT {CARRIED} FROM stock_moves;
        """
    )
    for table in reversed(KEYS):
        untrack(table)
    for table in LINES_WITH_CELLS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_lens_cell_id_product_id")
    op.execute(
        f"""
        DROP TRIGGER place ON stores;
        DROP TRIGGER stays_what_it_is ON stock_locations;
        DROP TABLE stock_adjustments, stock_count_lines, stock_counts, stock_transfer_lines, stock_transfers,
            stock_reservations, stock_move_reversals, stock_moves;
        DROP FUNCTION ims_follow_moves, ims_follow_reservations, ims_change_balances, ims_lock_balances,
            ims_guard_reservation, ims_check_reversal, ims_guard_stock_status, ims_place_stores;
        DROP TABLE stock_balances, stock_units, lens_cells;
        DELETE FROM stock_locations WHERE kind IN ('transit', 'lab', 'quarantine');
        DELETE FROM deleted_rows WHERE table_name IN ({", ".join(f"'{table}'" for table in KEYS)});
        DROP INDEX ix_stock_locations_store_id;
        ALTER TABLE stock_locations
            DROP CONSTRAINT ck_stock_locations_kind,
            DROP CONSTRAINT ck_stock_locations_inside_a_store,
            DROP COLUMN is_internal,
            ADD CONSTRAINT ck_stock_locations_kind
                CHECK (kind IN ('store', 'vendor', 'customer', 'loss', 'opening')),
            ADD CONSTRAINT ck_stock_locations_only_stores_have_a_store
                CHECK ((kind = 'store') = (store_id IS NOT NULL));
        """
    )
    _restore_moves()


def _restore_moves() -> None:
    op.execute(
        f"""
        CREATE TABLE stock_moves (
            stock_move_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_stock_moves PRIMARY KEY,
            product_id bigint NOT NULL CONSTRAINT fk_stock_moves_product_id REFERENCES products,
            source_location_id bigint NOT NULL
                CONSTRAINT fk_stock_moves_source_location_id REFERENCES stock_locations,
            destination_location_id bigint NOT NULL
                CONSTRAINT fk_stock_moves_destination_location_id REFERENCES stock_locations,
            quantity integer NOT NULL CONSTRAINT ck_stock_moves_quantity CHECK (quantity > 0),
            moved_on date NOT NULL,
            kind varchar NOT NULL CONSTRAINT ck_stock_moves_kind
                CHECK (kind IN ('opening', 'receipt', 'sale', 'return', 'count', 'transfer', 'reversal')),
            reference varchar,
            reverses_id bigint CONSTRAINT fk_stock_moves_reverses_id REFERENCES stock_moves,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            changed_xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
            CONSTRAINT ck_stock_moves_moves_somewhere CHECK (source_location_id <> destination_location_id)
        );
        CREATE INDEX ix_stock_moves_product_id ON stock_moves (product_id, moved_on);
        CREATE INDEX ix_stock_moves_changed_xid ON stock_moves USING brin (changed_xid);
        INSERT INTO stock_moves ({CARRIED}) OVERRIDING SYSTEM VALUE
        SELECT {CARRIED} FROM stock_moves_before ORDER BY stock_move_id;
        SELECT setval(pg_get_serial_sequence('stock_moves', 'stock_move_id'), max(stock_move_id))
          FROM stock_moves HAVING count(*) > 0;
        DROP TABLE stock_moves_before;
        """
    )
    track("stock_moves", "stock_move_id")
    op.execute(APPEND_ONLY)
