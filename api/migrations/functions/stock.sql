-- Balances follow the ledger: the triggers below write them, nobody else does.
--
-- Locks, in this order, in every transaction: stock_moves as a table (so that a new partition waits before a balance is
-- held, not after), then balances by (location, product, cell, unit), then the unit each one holds. One order for
-- everybody is why no two transactions can wait for each other.
--
-- `ims.ledger` opens the balances while they write, and is put back after; an error puts it back with all else. It is no
-- setting of the functions, because only a superuser may make such ones, and a managed server has none to give.

-- Locks the balances of the given keys in key order, making those that are missing; gives them as they are now.
-- ON CONFLICT locks a row even where its WHERE is false, so making and locking is one ordered pass.
CREATE FUNCTION ims_lock_balances(locations bigint[], products bigint[], cells bigint[], units bigint[])
RETURNS SETOF stock_balances
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ledger text := coalesce(current_setting('ims.ledger', true), '');
BEGIN
    LOCK TABLE ONLY stock_moves IN ROW EXCLUSIVE MODE;
    PERFORM set_config('ims.ledger', 'open', true);
    INSERT INTO stock_balances AS b (location_id, product_id, lens_cell_id, stock_unit_id)
    SELECT DISTINCT k.location_id, k.product_id, k.lens_cell_id, k.stock_unit_id
      FROM unnest(locations, products, cells, units) AS k (location_id, product_id, lens_cell_id, stock_unit_id)
      JOIN stock_locations l USING (location_id)
     WHERE l.is_internal
     ORDER BY 1, 2, 3 NULLS FIRST, 4 NULLS FIRST
    ON CONFLICT (location_id, product_id, coalesce(lens_cell_id, 0), coalesce(stock_unit_id, 0))
    DO UPDATE SET on_hand = b.on_hand WHERE false;
    PERFORM set_config('ims.ledger', ledger, true);
    RETURN QUERY
    SELECT DISTINCT b.*
      FROM unnest(locations, products, cells, units) AS k (location_id, product_id, lens_cell_id, stock_unit_id)
      JOIN stock_balances b ON b.location_id = k.location_id AND b.product_id = k.product_id
       AND coalesce(b.lens_cell_id, 0) = coalesce(k.lens_cell_id, 0)
       AND coalesce(b.stock_unit_id, 0) = coalesce(k.stock_unit_id, 0);
END $$;

-- Adds to the balances of the given keys, each key once. Where `claims` is true, what is left must cover what is
-- reserved. Runs with the rights of its caller: only the triggers below have those.
CREATE FUNCTION ims_change_balances(
    locations bigint[], products bigint[], cells bigint[], units bigint[],
    on_hands bigint[], reserveds bigint[], claims boolean[]
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ledger text := coalesce(current_setting('ims.ledger', true), '');
    short record;
BEGIN
    PERFORM FROM ims_lock_balances(locations, products, cells, units);
    PERFORM set_config('ims.ledger', 'open', true);
    -- a unit leaves one place before it reaches the other: it may be in one only, at every moment
    UPDATE stock_balances b SET on_hand = b.on_hand + k.on_hand, reserved = b.reserved + k.reserved
      FROM unnest(locations, products, cells, units, on_hands, reserveds)
           AS k (location_id, product_id, lens_cell_id, stock_unit_id, on_hand, reserved)
     WHERE b.location_id = k.location_id AND b.product_id = k.product_id
       AND coalesce(b.lens_cell_id, 0) = coalesce(k.lens_cell_id, 0)
       AND coalesce(b.stock_unit_id, 0) = coalesce(k.stock_unit_id, 0)
       AND (k.stock_unit_id IS NULL OR k.on_hand <= 0);
    IF EXISTS (SELECT FROM unnest(units, on_hands) AS k (stock_unit_id, on_hand)
                WHERE k.stock_unit_id IS NOT NULL AND k.on_hand > 0) THEN
        -- in the order of units, because two transactions that bring the same ones wait for each other's entries
        INSERT INTO stock_balances AS b (location_id, product_id, lens_cell_id, stock_unit_id, on_hand)
        SELECT k.location_id, k.product_id, k.lens_cell_id, k.stock_unit_id, k.on_hand
          FROM unnest(locations, products, cells, units, on_hands)
               AS k (location_id, product_id, lens_cell_id, stock_unit_id, on_hand)
         WHERE k.stock_unit_id IS NOT NULL AND k.on_hand > 0
         ORDER BY k.stock_unit_id, k.location_id
        ON CONFLICT (location_id, product_id, coalesce(lens_cell_id, 0), coalesce(stock_unit_id, 0))
        DO UPDATE SET on_hand = b.on_hand + excluded.on_hand;
    END IF;
    PERFORM set_config('ims.ledger', ledger, true);
    IF true = ANY (claims) THEN
        SELECT b.* INTO short
          FROM unnest(locations, products, cells, units, claims)
               AS k (location_id, product_id, lens_cell_id, stock_unit_id, is_claim)
          JOIN stock_balances b ON b.location_id = k.location_id AND b.product_id = k.product_id
           AND coalesce(b.lens_cell_id, 0) = coalesce(k.lens_cell_id, 0)
           AND coalesce(b.stock_unit_id, 0) = coalesce(k.stock_unit_id, 0)
         WHERE k.is_claim AND b.on_hand < b.reserved LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'location %, product %: % on hand do not cover % reserved',
                short.location_id, short.product_id, short.on_hand, short.reserved
                USING ERRCODE = 'check_violation', TABLE = 'stock_balances', CONSTRAINT = 'ck_stock_balances_available';
        END IF;
    END IF;
END $$;

-- Moves change what is on hand at their internal ends. What people post may not take what is reserved for somebody;
-- counts, adjustments and losses say what is there and may, and so may an import's history.
CREATE FUNCTION ims_follow_moves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM ims_change_balances(array_agg(location_id), array_agg(product_id), array_agg(lens_cell_id),
                                array_agg(stock_unit_id), array_agg(net), array_agg(0::bigint),
                                array_agg(net < 0 AND is_claim))
       FROM (
        SELECT location_id, product_id, lens_cell_id, stock_unit_id, sum(quantity)::bigint AS net,
               bool_or(is_claim) AS is_claim
          FROM (
            SELECT destination_location_id AS location_id, product_id, lens_cell_id, stock_unit_id,
                   quantity::bigint AS quantity, false AS is_claim
              FROM posted
            UNION ALL
            SELECT source_location_id, product_id, lens_cell_id, stock_unit_id, -quantity::bigint,
                   posted_by IS NOT NULL AND kind NOT IN ('count', 'adjustment', 'damage', 'expiry')
              FROM posted) AS ends
          JOIN stock_locations l USING (location_id)
         WHERE l.is_internal
         GROUP BY location_id, product_id, lens_cell_id, stock_unit_id
        HAVING sum(quantity) <> 0) AS changes
     HAVING count(*) > 0;
    RETURN NULL;
END $$;

-- Reservations change what is reserved: an active one holds its quantity.
CREATE FUNCTION ims_follow_reservations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM ims_change_balances(array_agg(location_id), array_agg(product_id), array_agg(lens_cell_id),
                                    array_agg(stock_unit_id), array_agg(0::bigint), array_agg(held), array_agg(true))
           FROM (SELECT location_id, product_id, lens_cell_id, stock_unit_id, sum(quantity) AS held
                   FROM written WHERE state = 'active'
                  GROUP BY location_id, product_id, lens_cell_id, stock_unit_id) AS changes
         HAVING count(*) > 0;
    ELSE
        PERFORM ims_change_balances(array_agg(location_id), array_agg(product_id), array_agg(lens_cell_id),
                                    array_agg(stock_unit_id), array_agg(0::bigint), array_agg(held),
                                    array_agg(held > 0))
           FROM (SELECT location_id, product_id, lens_cell_id, stock_unit_id, sum(quantity) AS held
                   FROM (SELECT location_id, product_id, lens_cell_id, stock_unit_id, quantity
                           FROM written WHERE state = 'active'
                         UNION ALL
                         SELECT location_id, product_id, lens_cell_id, stock_unit_id, -quantity
                           FROM overwritten WHERE state = 'active') AS both_sides
                  GROUP BY location_id, product_id, lens_cell_id, stock_unit_id
                 HAVING sum(quantity) <> 0) AS changes
         HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;

-- What a reservation holds, and where, stays as it was written; it shrinks, and it ends once.
CREATE FUNCTION ims_guard_reservation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'active' OR NEW.quantity > OLD.quantity
       OR (OLD.location_id, OLD.product_id, OLD.lens_cell_id, OLD.stock_unit_id, OLD.reference_type, OLD.reference_id)
          IS DISTINCT FROM
          (NEW.location_id, NEW.product_id, NEW.lens_cell_id, NEW.stock_unit_id, NEW.reference_type, NEW.reference_id)
    THEN
        RAISE EXCEPTION 'reservation % is %: it may shrink, be used or released while active, and nothing else',
            OLD.stock_reservation_id, OLD.state
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_stock_reservations_transition';
    END IF;
    RETURN NEW;
END $$;

-- A reversal is the mirror of its move; a reversal is not reversed in turn, the goods are moved anew.
CREATE FUNCTION ims_check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM stock_moves o JOIN stock_moves r
            ON r.source_location_id = o.destination_location_id AND r.destination_location_id = o.source_location_id
           AND r.product_id = o.product_id AND r.quantity = o.quantity
           AND r.lens_cell_id IS NOT DISTINCT FROM o.lens_cell_id
           AND r.stock_unit_id IS NOT DISTINCT FROM o.stock_unit_id
         WHERE o.stock_move_id = NEW.reversed_move_id AND o.moved_on = NEW.reversed_on AND o.kind <> 'reversal'
           AND r.stock_move_id = NEW.reversal_move_id AND r.moved_on = NEW.reversal_on AND r.kind = 'reversal') THEN
        RAISE EXCEPTION 'move % is no mirror of move %', NEW.reversal_move_id, NEW.reversed_move_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = 'ck_stock_move_reversals_mirrors';
    END IF;
    RETURN NEW;
END $$;

-- The states that a document may go to from each state are the trigger's argument, a JSON object of lists.
CREATE FUNCTION ims_guard_stock_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := to_jsonb(OLD) ->> 'status';
    after text := to_jsonb(NEW) ->> 'status';
BEGIN
    IF before <> after AND NOT coalesce(TG_ARGV[0]::jsonb -> before ? after, false) THEN
        RAISE EXCEPTION 'a % document does not become %', before, after
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
                  CONSTRAINT = 'ck_' || TG_TABLE_NAME || '_transition';
    END IF;
    RETURN NEW;
END $$;

-- Every store has its shelves, its transit (what is on the way to it), its lab and its quarantine from the start.
CREATE FUNCTION ims_place_stores() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO stock_locations (kind, store_id)
    SELECT place, store_id FROM opened CROSS JOIN unnest(ARRAY['store', 'transit', 'lab', 'quarantine']) AS place
     ORDER BY store_id, place;
    RETURN NULL;
END $$;
