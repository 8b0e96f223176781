"""Errors of the program itself, each kind once, with how often and when it was seen."""

from alembic import op

revision = "0051"
down_revision = "0050"

TABLE = """
CREATE TABLE error_event (
  tenant_id uuid NOT NULL REFERENCES tenant,
  fingerprint text NOT NULL,
  source text NOT NULL,
  kind text NOT NULL,
  place text NOT NULL,
  example text NOT NULL,
  frames text[] NOT NULL,
  request_id text,
  release text NOT NULL,
  count bigint NOT NULL DEFAULT 1,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, fingerprint)
);
ALTER TABLE error_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE error_event FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON error_event
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON error_event TO citewell_app
"""


def upgrade() -> None:
    """Make the table; older processes note nothing in it."""
    for statement in TABLE.split(";\n"):
        op.execute(statement)
