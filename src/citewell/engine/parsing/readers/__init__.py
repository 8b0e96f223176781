"""Readers, one file per way of reading: each has a `read(source)` that returns a `Reading`."""
