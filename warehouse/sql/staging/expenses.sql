-- One row per expense, refused ones and drafts included.
SELECT
    e.expense_id,
    s.store_code,
    k.code AS expense_category,
    e.spent_on,
    e.amount,
    e.tax_amount,
    e.state
FROM raw.expenses AS e
JOIN raw.stores AS s USING (store_id)
JOIN raw.expense_categories AS k USING (expense_category_id)
