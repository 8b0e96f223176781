"""Finds and repairs differences between rows, passages, terms and files."""
