"""The operational side: schema, migrations, imports, services and HTTP routes. Knows nothing of DuckDB."""
