-- One company in three states, its stores, a catalogue: %(stores)s stores, %(products)s products.
INSERT INTO chain (chain_id, name, currency, timezone, as_of, sales_grain, unmet_demand)
VALUES (1, 'Bench Opticians', 'INR', 'Asia/Kolkata', %(today)s, 'line', 'lost') ON CONFLICT DO NOTHING;

INSERT INTO legal_entities (code, name, tax_number) VALUES ('BENCH', 'Bench Opticians Pvt Ltd', 'AAACB1234C');
INSERT INTO legal_entity_registrations (legal_entity_id, state_code, registration, valid_from_on)
SELECT legal_entity_id, state, state || 'AAACB1234C1Z5', %(first)s::date
  FROM legal_entities, unnest(ARRAY['27', '29', '07']) AS state;

INSERT INTO tax_classes (code, name) VALUES ('BENCH-SPECTACLES', 'Spectacles'), ('BENCH-SUN', 'Sunglasses');
INSERT INTO tax_rates (tax_class_id, rate, valid_from_on)
SELECT tax_class_id, CASE code WHEN 'BENCH-SUN' THEN 0.18 ELSE 0.05 END, %(first)s::date
  FROM tax_classes WHERE code LIKE 'BENCH-%%';

INSERT INTO stores (store_code, name, kind, city, region, legal_entity_id, state_code, opened_on)
SELECT 'B' || lpad(n::text, 3, '0'), 'Store ' || n, 'store', (ARRAY['Mumbai', 'Bengaluru', 'Delhi'])[1 + n %% 3],
       (ARRAY['West', 'South', 'North'])[1 + n %% 3], (SELECT max(legal_entity_id) FROM legal_entities),
       (ARRAY['27', '29', '07'])[1 + n %% 3], %(first)s::date
  FROM generate_series(1, %(stores)s) AS n;

INSERT INTO categories (code, name, kind, tax_class_id)
SELECT code, name, kind, (SELECT tax_class_id FROM tax_classes WHERE tax_classes.code = tax)
  FROM (VALUES ('frames', 'Frames', 'frame', 'BENCH-SPECTACLES'), ('sunglasses', 'Sunglasses', 'sunglass', 'BENCH-SUN'),
               ('solutions', 'Solutions', 'solution', 'BENCH-SPECTACLES'),
               ('accessories', 'Accessories', 'accessory', 'BENCH-SUN')) AS c (code, name, kind, tax)
    ON CONFLICT (code) DO UPDATE SET tax_class_id = excluded.tax_class_id;
INSERT INTO brands (name)
SELECT unnest(ARRAY['Aurelio', 'Belmont', 'Corvid', 'Dorset', 'Elmwood', 'Ferrand', 'Garnet', 'Halcyon', 'Ibex', 'Juno',
                    'Kestrel', 'Lumen', 'Marlow', 'Norrland', 'Oriel', 'Pavo', 'Quill', 'Rowan', 'Sable', 'Tarn'])
    ON CONFLICT DO NOTHING;

INSERT INTO products (sku, name, category, brand, model, colour_name, size_label, barcode, unit_price, unit_cost, mrp,
                      tax_class_id, tax_rate, hsn_code, launched_on)
SELECT 'BN-' || lpad(n::text, 6, '0'),
       (ARRAY['Round', 'Square', 'Aviator', 'Cat Eye', 'Wayfarer', 'Oval', 'Rimless', 'Clubmaster'])[1 + n %% 8] || ' '
       || colour, category, brand, 'M' || 1000 + n / 4, colour, 48 + n %% 10 || '-18-140', '89' || lpad(n::text, 11, '0'),
       price, round(price * 0.45, 2), round(price * (1 + rate), 2), tax_class_id, rate,
       CASE category WHEN 'sunglasses' THEN '90041000' ELSE '90031100' END, %(first)s::date
  FROM (SELECT n, 300 + (n * 7919) %% 9000 AS price,
               (ARRAY['frames', 'frames', 'sunglasses', 'frames', 'solutions', 'accessories'])[1 + n %% 6] AS category,
               (ARRAY['Aurelio', 'Belmont', 'Corvid', 'Dorset', 'Elmwood', 'Ferrand', 'Garnet', 'Halcyon', 'Ibex',
                      'Juno', 'Kestrel', 'Lumen', 'Marlow', 'Norrland', 'Oriel', 'Pavo', 'Quill', 'Rowan', 'Sable',
                      'Tarn'])[1 + n / 4 %% 20] AS brand,
               (ARRAY['Black', 'Havana', 'Gold', 'Gunmetal', 'Navy', 'Rose', 'Olive'])[1 + n %% 7] AS colour
          FROM generate_series(1, %(products)s) AS n) AS p
  JOIN categories c ON c.code = p.category
  JOIN tax_rates t USING (tax_class_id);

-- two prices a product: the one of today began a year ago
INSERT INTO price_history (product_id, unit_price, mrp, valid_from_on, valid_to_on)
SELECT product_id, unit_price * factor, mrp * factor, from_on, to_on
  FROM products, (VALUES (0.9, %(today)s::date - 1500, %(today)s::date - 366), (1.0, %(today)s::date - 365, NULL))
       AS spans (factor, from_on, to_on);
