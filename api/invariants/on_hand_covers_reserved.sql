-- To decide: what is reserved is there. A count or a loss may say otherwise; then somebody chooses whose order waits.
SELECT b.location_id, b.product_id, b.lens_cell_id, b.stock_unit_id, b.on_hand, b.reserved
FROM stock_balances AS b
WHERE b.reserved > b.on_hand
