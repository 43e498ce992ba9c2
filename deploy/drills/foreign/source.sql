-- One row per store and month of the source, and one that names every line: lines, units, money, a checksum.
SELECT store_code, date_trunc('month', sold_on)::date AS month_on, count(*) AS lines, sum(quantity) AS units,
       sum(net_amount) AS money,
       md5(string_agg(order_ref || ' ' || id || ' ' || sku || ' ' || quantity || ' ' || net_amount, ',' ORDER BY id)) AS checksum
  FROM chain.lines GROUP BY 1, 2 ORDER BY 1, 2
