"""Work that is done again and again: when it is due, and who is at it. Who queued a job."""

from alembic import op

revision = "0019"
down_revision = "0017"

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


def upgrade() -> None:
    """Make table and column; older processes do not look at them, and do upkeep beside it."""
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON schedule TO citewell_app")
    op.execute("ALTER TABLE job ADD COLUMN created_by uuid")
