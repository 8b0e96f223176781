"""Jobs as people see them: what is being done, how far it is, stopping it, trying it again."""
