"""The demo chain: an invented optical retailer, generated from one seed and written as a chain folder."""
