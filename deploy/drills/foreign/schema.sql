-- One small chain as another system (Odoo's names) holds it, with the faults that old systems have: the same person
-- twice, a product code twice, an order without lines, a line of nothing, a price in the wrong place.
CREATE TABLE res_partner (id int PRIMARY KEY, name text, mobile text, email text, city text, active bool DEFAULT true);
CREATE TABLE stock_warehouse (id int PRIMARY KEY, code text, name text, city text);
CREATE TABLE product_category (id int PRIMARY KEY, name text, parent_id int REFERENCES product_category);
CREATE TABLE product_template (id int PRIMARY KEY, name text, categ_id int REFERENCES product_category, list_price numeric,
                               create_date date);
CREATE TABLE product_product (id int PRIMARY KEY, product_tmpl_id int REFERENCES product_template, default_code text,
                              standard_price numeric, active bool DEFAULT true);
CREATE TABLE product_supplierinfo (id int PRIMARY KEY, partner_id int REFERENCES res_partner,
                                   product_id int REFERENCES product_product, delay int, min_qty numeric, price numeric);
CREATE TABLE sale_order (id int PRIMARY KEY, name text, partner_id int REFERENCES res_partner,
                         warehouse_id int REFERENCES stock_warehouse, date_order timestamp, state text);
CREATE TABLE sale_order_line (id int PRIMARY KEY, order_id int REFERENCES sale_order, product_id int REFERENCES product_product,
                              product_uom_qty numeric, price_unit numeric, discount numeric DEFAULT 0);
CREATE TABLE stock_quant (id int PRIMARY KEY, product_id int REFERENCES product_product,
                          warehouse_id int REFERENCES stock_warehouse, quantity numeric);

INSERT INTO res_partner SELECT n, 'Person ' || n, '98' || lpad(n::text, 8, '0'), 'p' || n || '@example.com', 'Pune'
  FROM generate_series(1, 400) AS n;
-- thirty people who were entered again, with the same telephone written differently
INSERT INTO res_partner SELECT 400 + n, 'PERSON ' || n, '+91 98' || lpad(n::text, 8, '0'), NULL, 'Pune'
  FROM generate_series(1, 30) AS n;
INSERT INTO res_partner VALUES (900, 'Optics Import', '9000000900', 'sales@example.com', 'Mumbai'),
                               (901, 'Lens Works', '9000000901', 'lens@example.com', 'Chennai');
INSERT INTO stock_warehouse VALUES (1, 'PNE', 'Pune', 'Pune'), (2, 'MUM', 'Mumbai', 'Mumbai'), (3, 'NGP', 'Nagpur', 'Nagpur');
INSERT INTO product_category VALUES (1, 'All', NULL), (2, 'Frames', 1), (3, 'Sunglasses', 1), (4, 'Solutions', 1);
INSERT INTO product_template SELECT n, 'Model ' || n, 2 + n % 3, 900 + 37 * n, current_date - 500 FROM generate_series(1, 60) AS n;
INSERT INTO product_product SELECT n, n, 'M-' || lpad(n::text, 4, '0'), 400 + 15 * n FROM generate_series(1, 60) AS n;
-- a code that was given twice: the second is the first once more
INSERT INTO product_product VALUES (61, 7, 'M-0007', 505);
INSERT INTO product_supplierinfo SELECT n, 900 + n % 2, n, 7 + n % 9, 1 + n % 4, 400 + 15 * n FROM generate_series(1, 60) AS n;
INSERT INTO sale_order
SELECT n, 'SO' || lpad(n::text, 6, '0'), 1 + (n * 7) % 430, 1 + n % 3,
       current_date - 400 + (n * 400 / 3001) + time '10:00' + (n % 500) * interval '1 minute',
       CASE WHEN n % 40 = 0 THEN 'cancel' WHEN n % 55 = 0 THEN 'draft' ELSE 'sale' END
  FROM generate_series(1, 3000) AS n;
INSERT INTO sale_order_line
SELECT 2 * o.id + l, o.id, 1 + (o.id * (3 + l)) % 61, 1 + (o.id + l) % 3, 900 + 37 * (1 + (o.id * (3 + l)) % 61),
       CASE WHEN o.id % 11 = 0 THEN 10 ELSE 0 END
  FROM sale_order AS o CROSS JOIN generate_series(0, 1) AS l WHERE o.id % 97 <> 0;
UPDATE sale_order_line SET product_uom_qty = 0 WHERE id % 211 = 0;
INSERT INTO stock_quant SELECT row_number() OVER (), p.id, w.id, 5 + (p.id * w.id) % 20
  FROM product_product AS p CROSS JOIN stock_warehouse AS w WHERE p.id <= 60;
