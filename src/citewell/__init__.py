"""Citewell answers questions from an organisation's documents and cites every sentence."""

__version__ = "0.1.0"
