-- No place inside the chain holds less than nothing, and only places inside have a balance.
SELECT b.location_id, b.product_id, b.lens_cell_id, b.stock_unit_id, b.on_hand
FROM stock_balances AS b
JOIN stock_locations AS l USING (location_id)
WHERE b.on_hand < 0 OR b.reserved < 0 OR NOT l.is_internal
