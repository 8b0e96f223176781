"""Model providers of tenants, with keys of their own."""

from alembic import op

revision = "0031"
down_revision = "0030"

TABLE = """
CREATE TABLE model_connection (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  base_url text,
  sealed_key bytea,
  key_id uuid,
  key_hint text,
  uses text[] NOT NULL,
  priority smallint NOT NULL DEFAULT 0,
  min_role smallint NOT NULL DEFAULT 0,
  is_active boolean NOT NULL DEFAULT true,
  revision int NOT NULL DEFAULT 1,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  CHECK ((sealed_key IS NULL) = (key_id IS NULL))
);
CREATE UNIQUE INDEX model_connection_name ON model_connection (tenant_id, lower(name));
ALTER TABLE model_connection ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_connection FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON model_connection
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON model_connection TO citewell_app
"""

# Not validated: of the rows there are, which are many, every one has one of the two.
PURPOSE = """
ALTER TABLE tenant_key DROP CONSTRAINT tenant_key_purpose_check;
ALTER TABLE tenant_key ADD CONSTRAINT tenant_key_purpose_check
  CHECK (purpose IN ('files', 'file names', 'secrets')) NOT VALID
"""

# Which model answers is a part of what an answer depends on: cached ones go, and processes that
# remember connections read them anew (see 0029).
STAMPS = """
CREATE CONSTRAINT TRIGGER stamp_row AFTER INSERT OR UPDATE OR DELETE ON model_connection
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION citewell_stamp_library()
"""


def upgrade() -> None:
    """Make the table; older processes do not look at it."""
    for statement in (*TABLE.split(";\n"), *PURPOSE.split(";\n"), STAMPS):
        op.execute(statement)
