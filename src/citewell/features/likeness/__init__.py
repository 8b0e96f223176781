"""Documents of nearly the same text."""
