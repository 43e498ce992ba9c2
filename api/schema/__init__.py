"""The operational tables, one module per part of the business. Migrations live in `api/migrations`."""
