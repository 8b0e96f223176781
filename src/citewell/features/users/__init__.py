"""The people of a tenant and their groups."""
