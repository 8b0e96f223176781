"""The ways in: the only places that put the parts together."""
