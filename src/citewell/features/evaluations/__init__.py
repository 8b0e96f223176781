"""Measuring retrieval and answers on sets with known results."""
