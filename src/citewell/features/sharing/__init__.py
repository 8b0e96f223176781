"""Grants and denials of collections and documents, and explanations of access."""
