-- One row per thing as the chain folder is to have it: what is double is one, what sold nothing is out.
CREATE SCHEMA chain;
CREATE VIEW chain.people AS
SELECT id, 'ODOO-' || min(id) OVER same AS code, id = min(id) OVER same AS is_first, name,
       right(regexp_replace(mobile, '\D', '', 'g'), 10) AS mobile, email, city
  FROM res_partner
WINDOW same AS (PARTITION BY right(regexp_replace(mobile, '\D', '', 'g'), 10));
CREATE VIEW chain.lines AS
SELECT l.id, o.name AS order_ref, w.code AS store_code, o.date_order::date AS sold_on, p.default_code AS sku,
       pe.code AS customer_code, l.product_uom_qty::int AS quantity,
       round(l.product_uom_qty * l.price_unit * (1 - l.discount / 100), 2) AS net_amount
  FROM sale_order_line AS l
  JOIN sale_order AS o ON o.id = l.order_id AND o.state = 'sale'
  JOIN stock_warehouse AS w ON w.id = o.warehouse_id
  JOIN product_product AS p ON p.id = l.product_id
  LEFT JOIN chain.people AS pe ON pe.id = o.partner_id
 WHERE l.product_uom_qty <> 0;

-- the files: a view is a file of its name
CREATE SCHEMA files;
CREATE VIEW files.stores AS SELECT code AS store_code, name, city, current_date - 500 AS opened_on FROM stock_warehouse;
CREATE VIEW files.products AS
SELECT DISTINCT ON (p.default_code) p.default_code AS sku, t.name, lower(c.name) AS category, t.list_price AS unit_price,
       p.standard_price AS unit_cost, t.create_date AS launched_on
  FROM product_product AS p JOIN product_template AS t ON t.id = p.product_tmpl_id
  JOIN product_category AS c ON c.id = t.categ_id ORDER BY p.default_code, p.id;
CREATE VIEW files.vendors AS
SELECT 'V' || id AS vendor_code, name FROM res_partner WHERE id IN (SELECT partner_id FROM product_supplierinfo);
CREATE VIEW files.supply AS
SELECT p.default_code AS sku, 'V' || s.partner_id AS vendor_code, s.delay AS lead_time_days, 7 AS review_period_days,
       s.min_qty::int AS moq, s.price AS unit_cost
  FROM product_supplierinfo AS s JOIN product_product AS p ON p.id = s.product_id;
CREATE VIEW files.customers AS
SELECT code AS customer_code, name AS full_name, mobile, email, city FROM chain.people
 WHERE is_first AND id NOT IN (SELECT partner_id FROM product_supplierinfo);
CREATE VIEW files.sales_orders AS
SELECT DISTINCT order_ref, store_code, sold_on AS ordered_on, customer_code, 'delivered' AS status FROM chain.lines;
CREATE VIEW files.sales_order_lines AS
SELECT order_ref, store_code, id::text AS line_ref, sku, sold_on, quantity, net_amount FROM chain.lines;
CREATE VIEW files.stock AS
SELECT current_date AS as_of, w.code AS store_code, p.default_code AS sku, sum(q.quantity)::int AS on_hand
  FROM stock_quant AS q JOIN stock_warehouse AS w ON w.id = q.warehouse_id JOIN product_product AS p ON p.id = q.product_id
 GROUP BY 1, 2, 3;
