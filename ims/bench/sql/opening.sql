-- The opening stock of every product in every store, posted to the ledger.
INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on, kind, unit_cost)
SELECT p.product_id, (SELECT location_id FROM stock_locations WHERE kind = 'opening'), l.location_id, %(opening)s,
       %(first)s::date, 'opening', p.unit_cost
  FROM products p CROSS JOIN stock_locations l
 WHERE l.kind = 'store'
 ORDER BY l.location_id, p.product_id;
