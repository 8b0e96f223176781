"""Adds `collection.keep_days`, the days that documents of a collection are kept."""

from alembic import op

revision = "0066"
down_revision = "0065"

TENANTS = """
CREATE FUNCTION citewell_tenants_with_retention()
  RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM collection
     WHERE keep_days IS NOT NULL AND discard_after IS NULL $$
"""

# The function's owner may be an ordinary role, which FORCE binds to the policies.
LOOK = """
CREATE POLICY upkeep_retention ON collection FOR SELECT TO CURRENT_USER
  USING (keep_days IS NOT NULL)
"""


def upgrade() -> None:
    """Add the column; older processes do not read it, and keep every document."""
    op.execute("ALTER TABLE collection ADD COLUMN keep_days int CHECK (keep_days > 0)")
    op.execute(LOOK)
    op.execute(TENANTS)
