"""One file per way of reading: each has a `read(source)` that gives a `Reading`."""
