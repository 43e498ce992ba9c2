"""Lists handed to people: what to reorder, draft orders, transfers, counts; as a workbook, a printed page, or CSV."""
