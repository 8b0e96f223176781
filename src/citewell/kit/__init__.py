"""Small parts without a domain."""
