"""One module per view: what is asked of the reader, and how the page is laid out."""
