-- One row per customer record; survivor_id is the first record of the same mobile number, by which figures count.
SELECT
    c.customer_id,
    CASE
        WHEN c.mobile IS NULL THEN c.customer_id
        ELSE min(c.customer_id) OVER (PARTITION BY c.mobile)
    END AS survivor_id,
    c.customer_code AS customer_pseudonym,
    c.kind,
    s.store_code AS home_store_code
FROM raw.customers AS c
LEFT JOIN raw.stores AS s ON s.store_id = c.home_store_id
