-- The goods of the orders of one span of days leave their stores: one statement, so that balances are added up once.
INSERT INTO stock_moves (product_id, source_location_id, destination_location_id, quantity, moved_on, kind, unit_cost,
                         reference_type, reference_id)
SELECT product_id, l.location_id, (SELECT location_id FROM stock_locations WHERE kind = 'customer'), quantity,
       ordered_on, 'sale', unit_cost, 'sales_order', sales_order_id
  FROM bench_lines b
  JOIN bench_keys USING (n)
  JOIN stock_locations l ON l.kind = 'store' AND l.store_id = b.store_id
 ORDER BY ordered_on, n, line;
