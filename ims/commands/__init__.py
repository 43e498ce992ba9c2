"""The commands of `ims`, one module each. They parse, call the rooms below and print; they compute nothing."""
