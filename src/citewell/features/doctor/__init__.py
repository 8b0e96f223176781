"""Comparing what belongs together: rows, passages, terms, files; and mending it."""
