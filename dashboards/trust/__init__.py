"""The parts of the Models view."""
