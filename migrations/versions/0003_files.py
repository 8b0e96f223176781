"""Keys that files are encrypted with, wrapped by the installation's master key."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLE = """
CREATE TABLE tenant_key (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('files', 'file names')),
  wrapped bytea NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
)
"""


def upgrade() -> None:
    """Make the table; older processes do not look at it."""
    op.execute(TABLE)
    op.execute(
        "CREATE UNIQUE INDEX tenant_key_active ON tenant_key (tenant_id, purpose) WHERE is_active"
    )
    op.execute("ALTER TABLE tenant_key ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE tenant_key FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON tenant_key "
        "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_key TO citewell_app")
