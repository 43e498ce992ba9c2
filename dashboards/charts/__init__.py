"""The chart types of the boards: values and words in, a figure out; nothing here asks for a figure."""
