"""Workflows and their versions."""

from alembic import op

revision = "0036"
down_revision = "0035"

TABLES = """
CREATE TABLE workflow (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  slug text NOT NULL,
  version int NOT NULL,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX workflow_slug ON workflow (tenant_id, slug);

CREATE TABLE workflow_version (
  tenant_id uuid NOT NULL,
  workflow_id uuid NOT NULL,
  number int NOT NULL,
  source text NOT NULL,
  spec jsonb NOT NULL,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, workflow_id, number),
  FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflow (tenant_id, id) ON DELETE CASCADE
)
"""

GUARDED = ("workflow", "workflow_version")


def upgrade() -> None:
    """Make the tables; older processes do not look at them."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    for table in GUARDED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
