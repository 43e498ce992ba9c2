-- One row per sort of fault that the source has: what, how many, what the mapping does about it.
SELECT 'people entered more than once' AS fault,
       count(*) - count(DISTINCT right(regexp_replace(mobile, '\D', '', 'g'), 10)) AS found, 'merged by telephone' AS done
  FROM res_partner
UNION ALL
SELECT 'product codes given more than once', count(*) - count(DISTINCT default_code), 'merged by code' FROM product_product
UNION ALL
SELECT 'orders without lines', count(*), 'left out'
  FROM sale_order AS o WHERE NOT EXISTS (SELECT FROM sale_order_line AS l WHERE l.order_id = o.id)
UNION ALL
SELECT 'lines of nothing', count(*), 'left out' FROM sale_order_line WHERE product_uom_qty = 0
UNION ALL
SELECT 'drafts and cancelled orders', count(*), 'left out: nothing was sold' FROM sale_order WHERE state <> 'sale'
UNION ALL
SELECT 'people without a telephone', count(*), 'kept' FROM res_partner WHERE coalesce(mobile, '') = ''
