"""PostgreSQL: the embedded server, the roles, sessions and migrations."""
