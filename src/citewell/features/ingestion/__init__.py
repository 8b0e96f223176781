"""Making a version ready: parse, clean, chunk, embed, publish."""
