"""Grants and denials of collections and documents, and why someone may see something."""
