"""The index in PostgreSQL: chunks, their vectors and term weights beside the documents."""
