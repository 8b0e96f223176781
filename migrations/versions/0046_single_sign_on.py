"""Sign-ins that are under way, and accounts at providers of single sign-on."""

from alembic import op

revision = "0046"
down_revision = "0045"

TABLES = """
CREATE TABLE sign_in_ceremony (
  tenant_id uuid NOT NULL REFERENCES tenant,
  hash bytea NOT NULL,
  kind text NOT NULL,
  data jsonb NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, hash)
);
CREATE INDEX sign_in_ceremony_end ON sign_in_ceremony (tenant_id, expires_at);
ALTER TABLE sign_in_ceremony ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_ceremony FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON sign_in_ceremony
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_ceremony TO citewell_app;
CREATE TABLE provider_account (
  tenant_id uuid NOT NULL REFERENCES tenant,
  issuer text NOT NULL,
  subject text NOT NULL,
  user_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, issuer, subject),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX provider_account_user ON provider_account (tenant_id, user_id);
ALTER TABLE provider_account ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_account FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON provider_account
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_account TO citewell_app
"""

# Users who sign in at a provider have no password here. Older processes find none that fits then.
PASSWORDS = "ALTER TABLE user_account DROP CONSTRAINT user_account_check"


def upgrade() -> None:
    """Make the tables; older processes do not look at them."""
    for statement in (*TABLES.split(";\n"), PASSWORDS):
        op.execute(statement)
