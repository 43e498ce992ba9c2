"""What routes ask for: queries and counters that know nothing of HTTP."""
