"""Engines that keep and search chunks, each behind the contract of `indexes.contract`."""
