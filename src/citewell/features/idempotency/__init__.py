"""Runs a repeated request once, by its `Idempotency-Key`."""
