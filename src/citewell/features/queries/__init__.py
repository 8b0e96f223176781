"""Stored answers: looked at again, asked again, rated."""
