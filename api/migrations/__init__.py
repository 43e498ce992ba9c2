"""The migrations of the operational database, and what they share."""
