"""Access for clients that people admit in their browser: authorisation codes with PKCE."""
