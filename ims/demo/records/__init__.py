"""The record files of the demo chain: every operational table as the chain would hand it over."""
