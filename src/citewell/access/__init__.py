"""Who may reach what: the policy, and the same inside SQL statements."""
