"""The parts of the Data quality view."""
