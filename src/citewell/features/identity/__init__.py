"""Tenants and the credentials of their software."""
