"""What data IS: the lake connection, table contracts, SQL transformations and metrics."""
