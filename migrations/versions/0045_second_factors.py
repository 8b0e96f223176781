"""Second factors of users, and how each session was begun."""

from alembic import op

revision = "0045"
down_revision = "0044"

TABLE = """
CREATE TABLE second_factor (
  tenant_id uuid NOT NULL REFERENCES tenant,
  user_id uuid NOT NULL,
  sealed_secret bytea NOT NULL,
  key_id uuid NOT NULL,
  last_step bigint NOT NULL DEFAULT 0,
  recovery_hashes bytea[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE second_factor ENABLE ROW LEVEL SECURITY;
ALTER TABLE second_factor FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON second_factor
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factor TO citewell_app
"""

# Older processes do not look at the columns: until they have ended they sign users in by their
# password alone, as before.
COLUMNS = """
ALTER TABLE user_account ADD COLUMN second_factor_at timestamptz;
ALTER TABLE tenant ADD COLUMN second_factor_for text[] NOT NULL DEFAULT '{}';
ALTER TABLE refresh_token ADD COLUMN method text NOT NULL DEFAULT 'password'
"""


def upgrade() -> None:
    """Make the table and add the columns."""
    for statement in (*TABLE.split(";\n"), *COLUMNS.split(";\n")):
        op.execute(statement)
