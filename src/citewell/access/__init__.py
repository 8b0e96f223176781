"""Access policy: roles, levels and grants, and their SQL predicates."""
