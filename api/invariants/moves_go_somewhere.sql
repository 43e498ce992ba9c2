-- Every move takes one unit or more from one place to another; a unit of its own moves alone.
SELECT stock_move_id, moved_on, source_location_id, destination_location_id, quantity
FROM stock_moves
WHERE source_location_id = destination_location_id OR quantity < 1 OR (stock_unit_id IS NOT NULL AND quantity <> 1)
