"""What the evidence of readiness says, read for its view."""
