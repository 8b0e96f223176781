"""What a tenant uses, and what its plan allows."""
