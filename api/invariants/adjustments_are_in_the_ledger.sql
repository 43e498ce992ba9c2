-- A posted adjustment made here is in the ledger once with its quantity; one that waits or was refused moved nothing.
WITH moved AS (
    SELECT m.reference_id AS stock_adjustment_id,
        sum(CASE d.kind WHEN 'store' THEN m.quantity ELSE -m.quantity END) AS moved
    FROM stock_moves AS m
    JOIN stock_locations AS d ON d.location_id = m.destination_location_id
    WHERE m.reference_type = 'stock_adjustment' AND m.kind <> 'reversal'
    GROUP BY m.reference_id
)
SELECT a.stock_adjustment_id, a.status, a.quantity, coalesce(m.moved, 0) AS moved
FROM stock_adjustments AS a
LEFT JOIN moved AS m USING (stock_adjustment_id)
WHERE a.adjustment_ref IS NULL AND coalesce(m.moved, 0) <> CASE a.status WHEN 'posted' THEN a.quantity ELSE 0 END
