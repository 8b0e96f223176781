"""Messages to people by mail, their language, and addresses that are still to be confirmed."""

from alembic import op

revision = "0058"
down_revision = "0057"

# Older processes look at none of these: they write no messages, and void no new address.
COLUMNS = """
ALTER TABLE tenant ADD COLUMN language text NOT NULL DEFAULT 'en'
  CHECK (language IN ('en', 'vi'));
ALTER TABLE user_account ADD COLUMN language text CHECK (language IN ('en', 'vi')),
  ADD COLUMN new_email text,
  ADD COLUMN new_email_hash bytea,
  ADD COLUMN new_email_expires_at timestamptz
"""

TABLE = """
CREATE TABLE notice (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  kind text NOT NULL,
  address text,
  sealed_token bytea,
  key_id uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'sent', 'failed', 'withheld')),
  attempts int NOT NULL DEFAULT 0,
  leased_until timestamptz,
  job_id uuid,
  error text,
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX notice_user ON notice (tenant_id, user_id);
CREATE INDEX notice_job ON notice (tenant_id, job_id);
CREATE INDEX notice_pending ON notice (tenant_id) WHERE status = 'pending';
ALTER TABLE notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON notice
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
CREATE POLICY upkeep ON notice FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON notice TO citewell_app
"""

PENDING = """
CREATE FUNCTION citewell_tenants_with_pending_notices() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM notice WHERE status = 'pending' $$
"""

OLD = """
CREATE FUNCTION citewell_tenants_with_old_notices(days int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM notice
     WHERE created_at < now() - make_interval(days => days) $$
"""

# Webhooks are told of the work on documents, not of each mail that leaves.
TRIGGER = """
DROP TRIGGER note_for_webhooks ON job;
CREATE TRIGGER note_for_webhooks AFTER UPDATE OF status ON job
FOR EACH ROW WHEN (new.status IN ('succeeded', 'failed', 'cancelled')
  AND new.status IS DISTINCT FROM old.status AND new.kind NOT LIKE 'mail.%')
EXECUTE FUNCTION citewell_note_for_webhooks()
"""


def upgrade() -> None:
    """Make the table and add the columns."""
    for part in (COLUMNS, TABLE, TRIGGER):
        for statement in part.split(";\n"):
            op.execute(statement)
    op.execute(PENDING)
    op.execute(OLD)
