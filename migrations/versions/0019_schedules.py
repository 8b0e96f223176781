"""Work that is done again and again: when it is due, and who is at it. Who queued a job."""

from alembic import op

revision = "0019"
down_revision = "0011"

TABLE = """
CREATE TABLE schedule (
  name text PRIMARY KEY,
  next_run_at timestamptz NOT NULL DEFAULT now(),
  leased_until timestamptz,
  holder uuid,
  failures int NOT NULL DEFAULT 0,
  last_run_at timestamptz,
  CHECK ((leased_until IS NULL) = (holder IS NULL))
) WITH (fillfactor = 50)
"""
# Half of each page stays free: rows change every few seconds, and no index holds what changes.


# `updated_at` changes with the number of chunks: what has not changed since lacks nothing.
TO_BUILD = """
CREATE FUNCTION citewell_tenants_to_build(min_chunks bigint) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM index_generation
     WHERE status <> 'retired' AND (looked_at IS NULL
       OR chunk_count >= min_chunks AND looked_at < updated_at) $$
"""


def upgrade() -> None:
    """Make table and column; older processes do not look at them, and do upkeep beside it."""
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON schedule TO citewell_app")
    op.execute("ALTER TABLE index_generation ADD COLUMN looked_at timestamptz")
    op.execute(TO_BUILD)
    op.execute("ALTER TABLE job ADD COLUMN created_by uuid")
