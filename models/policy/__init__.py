"""What to order: demand paths, the lost-sales order rule, lots, costs, the plan and its receipts."""
