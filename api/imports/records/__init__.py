"""Record files: every operational table as a file of its own name, its columns derived from the schema."""
