"""Adds key rotation: the key of each file and the former master keys."""

from alembic import op

revision = "0006"
down_revision = "0005"

IS_FORMER = """
-- Whether keys are not wrapped by this master key any more. It tells of no tenant.
CREATE FUNCTION citewell_is_former_master(wanted bytea) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT EXISTS (SELECT FROM tenant_key WHERE former_master = wanted) $$
"""


def upgrade() -> None:
    """Add the columns; what older processes store is under a key that is not noted."""
    op.execute("ALTER TABLE blob ADD COLUMN key_id uuid")
    op.execute("ALTER TABLE tenant_key ADD COLUMN former_master bytea")
    op.execute(IS_FORMER)
    op.execute("CREATE POLICY upkeep ON tenant_key FOR SELECT TO CURRENT_USER USING (true)")
