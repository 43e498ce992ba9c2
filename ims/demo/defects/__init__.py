"""Defects put into the demo chain on purpose, each with the check that must find it (domain.md, f.7)."""
