"""Model providers of a tenant, with keys of its own."""
