"""The same request twice, done once."""
