-- What a balance calls reserved is the sum of the active reservations of it.
WITH held AS (
    SELECT location_id, product_id, lens_cell_id, stock_unit_id, sum(quantity) AS reserved
    FROM stock_reservations
    WHERE state = 'active'
    GROUP BY location_id, product_id, lens_cell_id, stock_unit_id
)
SELECT
    coalesce(b.location_id, h.location_id) AS location_id,
    coalesce(b.product_id, h.product_id) AS product_id,
    b.reserved AS balance,
    h.reserved AS reservations
FROM stock_balances AS b
FULL JOIN held AS h
    ON h.location_id = b.location_id AND h.product_id = b.product_id
    AND coalesce(h.lens_cell_id, 0) = coalesce(b.lens_cell_id, 0)
    AND coalesce(h.stock_unit_id, 0) = coalesce(b.stock_unit_id, 0)
WHERE coalesce(b.reserved, 0) <> coalesce(h.reserved, 0)
