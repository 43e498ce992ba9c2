-- One row per expense before as_of that was submitted: what a store spent beside its goods.
-- net_amount is without tax, as sales and costs are.
SELECT
    e.expense_id,
    e.store_code,
    e.expense_category,
    e.spent_on,
    e.state,
    e.state IN ('approved', 'paid') AS is_approved,
    e.amount,
    e.tax_amount,
    CAST(e.amount - e.tax_amount AS DECIMAL(14, 2)) AS net_amount
FROM staging.expenses AS e
CROSS JOIN staging.chain AS c
WHERE e.spent_on < c.as_of AND e.state <> 'draft'
