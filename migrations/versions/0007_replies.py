"""Replies to requests that came with an `Idempotency-Key`."""

from alembic import op

revision = "0007"
down_revision = "0006"

TABLE = """
CREATE TABLE idempotent_reply (
  tenant_id uuid NOT NULL REFERENCES tenant,
  caller_id uuid NOT NULL,
  key_hash bytea NOT NULL,
  request_hash bytea NOT NULL,
  reply jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, caller_id, key_hash)
)
"""

UPKEEP = """
CREATE FUNCTION citewell_tenants_with_old_replies(before timestamptz) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM idempotent_reply WHERE created_at < before $$
"""


def upgrade() -> None:
    """Make the table; older processes do not look at it."""
    op.execute(TABLE)
    op.execute("CREATE INDEX idempotent_reply_age ON idempotent_reply (created_at)")
    op.execute("ALTER TABLE idempotent_reply ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotent_reply FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON idempotent_reply "
        "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
    )
    op.execute("CREATE POLICY upkeep ON idempotent_reply FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(UPKEEP)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON idempotent_reply TO citewell_app")
