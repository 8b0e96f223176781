"""Boxes that pages of other sites show."""

from alembic import op

revision = "0063"
down_revision = "0062"

TABLE = """
CREATE TABLE embed (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL,
  title text NOT NULL DEFAULT '',
  origins text[] NOT NULL CHECK (cardinality(origins) BETWEEN 1 AND 20),
  collection_ids uuid[],
  language text CHECK (language IN ('en', 'vi')),
  questions_per_minute int NOT NULL DEFAULT 30 CHECK (questions_per_minute BETWEEN 1 AND 1000),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
ALTER TABLE embed ENABLE ROW LEVEL SECURITY;
ALTER TABLE embed FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON embed
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON embed TO citewell_app
"""


def upgrade() -> None:
    """Make the table."""
    for statement in TABLE.split(";\n"):
        op.execute(statement)
