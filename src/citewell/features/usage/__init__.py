"""Usage of a tenant, and the limits of its plan."""
