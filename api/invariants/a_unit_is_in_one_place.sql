-- A unit with a serial is in one place inside the chain at most, once.
SELECT stock_unit_id, sum(on_hand) AS on_hand, array_agg(location_id) AS locations
FROM stock_balances
WHERE stock_unit_id IS NOT NULL AND on_hand <> 0
GROUP BY stock_unit_id
HAVING sum(on_hand) <> 1
