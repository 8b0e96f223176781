"""Workflows: definitions that are checked and versioned, durable runs, triggers."""
