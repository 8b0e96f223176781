"""Differences between two texts, found in bounded time."""
