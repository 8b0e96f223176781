"""Engines that keep and search chunks, each behind the protocol of `core.index`."""
