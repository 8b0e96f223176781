"""ORM tables, one file per group; the migrations are the schema's source of truth."""
