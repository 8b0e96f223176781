"""Moves an embedded installation to a PostgreSQL server."""
