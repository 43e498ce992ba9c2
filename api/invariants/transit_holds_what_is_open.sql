-- In transit lies, of each line of a transfer made here, what was shipped and has neither arrived, nor broken, nor been lost.
WITH moved AS (
    SELECT m.reference_id AS stock_transfer_line_id, sum(CASE WHEN d.kind = 'transit' THEN m.quantity ELSE 0 END)
        - sum(CASE WHEN s.kind = 'transit' THEN m.quantity ELSE 0 END) AS in_transit
    FROM stock_moves AS m
    JOIN stock_locations AS s ON s.location_id = m.source_location_id
    JOIN stock_locations AS d ON d.location_id = m.destination_location_id
    WHERE m.reference_type = 'stock_transfer_line'
    GROUP BY m.reference_id
)
SELECT l.stock_transfer_id, l.stock_transfer_line_id, m.in_transit
FROM stock_transfer_lines AS l
JOIN stock_transfers AS t USING (stock_transfer_id)
LEFT JOIN moved AS m USING (stock_transfer_line_id)
WHERE t.transfer_ref IS NULL AND coalesce(m.in_transit, 0) <> l.shipped_qty - l.received_qty - l.damaged_qty - l.lost_qty
