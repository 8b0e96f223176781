"""Signing in: passwords, access and refresh tokens, registration."""
