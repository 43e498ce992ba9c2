-- The delivered orders of one span of days: %(orders)s of them with 2.2 lines each, paid, their goods moved out.
CREATE TEMP TABLE bench_lines ON COMMIT DROP AS
SELECT n, line, ordered_on, store_id, customer_id, p.product_id, 1 + (random() < 0.1)::integer AS quantity, p.unit_price,
       p.unit_cost, p.mrp, p.tax_rate, p.tax_class_id
  FROM (SELECT n, line, ordered_on, store_id, customer_id,
               -- the first products sell best
               %(first_product)s + floor(power(random(), 2) * %(products)s)::bigint AS product_id
          FROM (SELECT n, %(first)s::date + floor(random() * %(days)s)::integer AS ordered_on,
                       %(first_store)s + floor(random() * %(stores)s)::bigint AS store_id,
                       %(first_customer)s + floor(random() * %(customers)s)::bigint AS customer_id,
                       (ARRAY[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4])[1 + floor(random() * 20)::integer] AS lines
                  FROM generate_series(%(done)s::integer + 1, %(done)s::integer + %(orders)s::integer) AS n) AS o,
               generate_series(1, lines) AS line) AS drawn
  JOIN products p USING (product_id);

CREATE TEMP TABLE bench_orders ON COMMIT DROP AS
SELECT n, ordered_on, store_id, customer_id, sum(net) AS net, sum(tax) AS tax
  FROM (SELECT *, round(quantity * unit_price, 2) AS net, round(round(quantity * unit_price, 2) * tax_rate, 2) AS tax
          FROM bench_lines) AS priced
 GROUP BY n, ordered_on, store_id, customer_id;

INSERT INTO sales_orders (order_ref, order_number, store_id, customer_id, status, ordered_on, confirmed_at, ready_at,
                          delivered_at, invoice_number, invoiced_on, subtotal_amount, discount_amount, taxable_amount,
                          tax_amount, total_amount, place_of_supply)
SELECT 'BO' || lpad(n::text, 9, '0'), 'BO' || lpad(n::text, 9, '0'), store_id, customer_id, 'delivered', ordered_on,
       ordered_on + time '11:00', ordered_on + time '12:00', ordered_on + time '13:00', 'BI' || lpad(n::text, 9, '0'),
       ordered_on, net, 0, net, tax, net + tax, '27'
  FROM bench_orders ORDER BY ordered_on, n;

CREATE TEMP TABLE bench_keys ON COMMIT DROP AS
SELECT n, sales_order_id, net + tax AS total
  FROM bench_orders JOIN sales_orders ON order_ref = 'BO' || lpad(n::text, 9, '0');

INSERT INTO sales_order_lines (sales_order_id, ordered_on, line_ref, product_id, sold_on, sold_at, quantity, net_amount,
                               mrp, unit_price, discount_share, discount_amount, tax_rate, tax_amount, line_total,
                               cost_at_sale)
SELECT sales_order_id, ordered_on, line::text, product_id, ordered_on, ordered_on + time '11:00', quantity, net, mrp,
       unit_price, 0, 0, tax_rate, tax, net + tax, unit_cost
  FROM (SELECT *, round(quantity * unit_price, 2) AS net, round(round(quantity * unit_price, 2) * tax_rate, 2) AS tax
          FROM bench_lines) AS priced
  JOIN bench_keys USING (n)
 ORDER BY ordered_on, n, line;

INSERT INTO payments (sales_order_id, method, amount, reference, received_at)
SELECT k.sales_order_id, 'upi', total, 'UPI-B' || n, ordered_on + time '11:05'
  FROM bench_keys k JOIN bench_orders USING (n) ORDER BY ordered_on, n;
