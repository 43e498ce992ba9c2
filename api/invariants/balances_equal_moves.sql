-- On hand of every place inside the chain is the sum of its moves, and every place with moves has a balance.
WITH summed AS (
    SELECT location_id, product_id, lens_cell_id, stock_unit_id, sum(quantity) AS on_hand
    FROM (
        SELECT destination_location_id AS location_id, product_id, lens_cell_id, stock_unit_id, quantity
        FROM stock_moves
        UNION ALL
        SELECT source_location_id, product_id, lens_cell_id, stock_unit_id, -quantity FROM stock_moves
    ) AS ends
    JOIN stock_locations USING (location_id)
    WHERE is_internal
    GROUP BY location_id, product_id, lens_cell_id, stock_unit_id
)
SELECT
    coalesce(b.location_id, s.location_id) AS location_id,
    coalesce(b.product_id, s.product_id) AS product_id,
    coalesce(b.lens_cell_id, s.lens_cell_id) AS lens_cell_id,
    coalesce(b.stock_unit_id, s.stock_unit_id) AS stock_unit_id,
    b.on_hand AS balance,
    s.on_hand AS moves
FROM stock_balances AS b
FULL JOIN summed AS s
    ON s.location_id = b.location_id AND s.product_id = b.product_id
    AND coalesce(s.lens_cell_id, 0) = coalesce(b.lens_cell_id, 0)
    AND coalesce(s.stock_unit_id, 0) = coalesce(b.stock_unit_id, 0)
WHERE coalesce(b.on_hand, 0) <> coalesce(s.on_hand, 0)
