"""Benchmarks of the running system: a load client, the statements' own limit, and query times at a million orders."""
