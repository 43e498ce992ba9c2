"""The parts of the Pipeline view."""
