-- Each reversal is the mirror of its move: the same goods, the ends exchanged.
SELECT v.reversed_move_id, v.reversal_move_id
FROM stock_move_reversals AS v
LEFT JOIN stock_moves AS o ON o.stock_move_id = v.reversed_move_id AND o.moved_on = v.reversed_on
LEFT JOIN stock_moves AS r ON r.stock_move_id = v.reversal_move_id AND r.moved_on = v.reversal_on
WHERE
    (r.source_location_id, r.destination_location_id, r.product_id, r.quantity, r.lens_cell_id, r.stock_unit_id)
    IS DISTINCT FROM
    (o.destination_location_id, o.source_location_id, o.product_id, o.quantity, o.lens_cell_id, o.stock_unit_id)
    OR o.stock_move_id IS NULL OR r.kind <> 'reversal' OR o.kind = 'reversal'
