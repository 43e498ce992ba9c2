-- One row per store and month of what arrived: lines, units, money, a checksum.
SELECT s.store_code, date_trunc('month', l.sold_on)::date AS month_on, count(*) AS lines, sum(l.quantity) AS units,
       sum(l.net_amount) AS money,
       md5(string_agg(o.order_ref || ' ' || l.line_ref || ' ' || p.sku || ' ' || l.quantity || ' ' || l.net_amount, ','
                      ORDER BY l.line_ref::int)) AS checksum
  FROM sales_order_lines AS l JOIN sales_orders AS o ON o.sales_order_id = l.sales_order_id AND o.ordered_on = l.ordered_on
  JOIN stores AS s USING (store_id) JOIN products AS p USING (product_id)
 GROUP BY 1, 2 ORDER BY 1, 2
