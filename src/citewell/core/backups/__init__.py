"""Backups of an installation: encrypted archives of its rows, original files, keys and settings."""
