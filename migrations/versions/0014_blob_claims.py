"""Contents that an upload is putting into the store: nobody removes their files meanwhile."""

from alembic import op

revision = "0014"
down_revision = "0019"

TABLE = """
CREATE TABLE blob_claim (
  tenant_id uuid NOT NULL REFERENCES tenant ON DELETE CASCADE,
  sha256 bytea NOT NULL,
  id uuid NOT NULL,
  size_bytes bigint NOT NULL,
  key_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, sha256, id)
)
"""

TENANTS = """
CREATE OR REPLACE FUNCTION citewell_tenants_with_trash(deleted_before timestamptz)
  RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT tenant_id FROM document WHERE deleted_at <= deleted_before
     UNION SELECT tenant_id FROM blob WHERE released_at IS NOT NULL
     UNION SELECT tenant_id FROM blob_claim WHERE expires_at <= now() $$
"""


def upgrade() -> None:
    """Make the table; older processes put files within their transactions, which is as safe."""
    op.execute(TABLE)
    op.execute("CREATE INDEX blob_claim_age ON blob_claim (expires_at)")
    op.execute("ALTER TABLE blob_claim ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE blob_claim FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON blob_claim "
        "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
    )
    op.execute("CREATE POLICY upkeep ON blob_claim FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(TENANTS)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON blob_claim TO citewell_app")
