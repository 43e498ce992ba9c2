"""Orders at vendors, for whoever approves and sends them: the list, an order's lines, and moving many on at once."""
