"""Mailed tokens to set a password stand apart; mail's health is read from the messages themselves.

An older process looks at none of the columns: it takes no mailed token of a newer one, voids none
either within its hour, and notes no failures of the mail server.
"""

from alembic import op

revision = "0061"
down_revision = "0060"

COLUMNS = """
ALTER TABLE user_account ADD COLUMN mailed_reset_hash bytea,
  ADD COLUMN mailed_reset_expires_at timestamptz;
ALTER TABLE notice ADD COLUMN server_failed_at timestamptz;
CREATE INDEX notice_sent ON notice (finished_at) WHERE status = 'sent'
"""

# One server for all tenants: what it took from one of them shows that it is well again.
FAILING = """
CREATE FUNCTION citewell_is_mail_failing() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT coalesce(
       (SELECT max(server_failed_at) FROM notice WHERE status = 'pending')
         > coalesce((SELECT max(finished_at) FROM notice WHERE status = 'sent'), '-infinity'),
       false) $$
"""


def upgrade() -> None:
    """Add the columns, the index and the function."""
    for statement in COLUMNS.split(";\n"):
        op.execute(statement)
    op.execute(FAILING)
