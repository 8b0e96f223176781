"""Passkeys of users (WebAuthn)."""

from alembic import op

revision = "0047"
down_revision = "0046"

TABLE = """
CREATE TABLE passkey (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  credential_id bytea NOT NULL,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX passkey_credential ON passkey (tenant_id, credential_id);
CREATE INDEX passkey_user ON passkey (tenant_id, user_id);
ALTER TABLE passkey ENABLE ROW LEVEL SECURITY;
ALTER TABLE passkey FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON passkey
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON passkey TO citewell_app
"""


def upgrade() -> None:
    """Make the table; older processes do not look at it."""
    for statement in TABLE.split(";\n"):
        op.execute(statement)
