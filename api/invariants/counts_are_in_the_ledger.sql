-- What a posted count made here found or missed is in the ledger, once; an open or cancelled one moved nothing.
WITH moved AS (
    SELECT m.reference_id AS stock_count_line_id,
        sum(CASE d.kind WHEN 'store' THEN m.quantity ELSE -m.quantity END) AS moved
    FROM stock_moves AS m
    JOIN stock_locations AS d ON d.location_id = m.destination_location_id
    WHERE m.reference_type = 'stock_count_line' AND m.kind = 'count'
    GROUP BY m.reference_id
)
SELECT l.stock_count_id, l.stock_count_line_id, c.status, l.counted_qty, l.expected_qty, coalesce(m.moved, 0) AS moved
FROM stock_count_lines AS l
JOIN stock_counts AS c USING (stock_count_id)
LEFT JOIN moved AS m USING (stock_count_line_id)
WHERE c.count_ref IS NULL
    AND coalesce(m.moved, 0) <> CASE c.status WHEN 'posted' THEN coalesce(l.counted_qty - l.expected_qty, 0) ELSE 0 END
