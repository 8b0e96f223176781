"""Workflows that are shipped, one file each."""
