"""`ims import`: a chain folder into the operational tables, validated whole, loaded whole (docs/import-report.md)."""
