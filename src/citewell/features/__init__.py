"""What Citewell does, one slice per feature."""
