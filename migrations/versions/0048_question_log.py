"""Adds a tenant's rules for its trash and question log; the log notes replies of caches."""

from alembic import op

revision = "0048"
down_revision = "0047"

COLUMNS = """
ALTER TABLE tenant ADD COLUMN trash_days int CHECK (trash_days BETWEEN 0 AND 3650);
ALTER TABLE tenant ADD COLUMN question_log text NOT NULL DEFAULT 'full'
  CHECK (question_log IN ('full', 'anonymous', 'off'));
ALTER TABLE query_log ADD COLUMN privacy text NOT NULL DEFAULT 'full'
  CHECK (privacy IN ('full', 'anonymous', 'off'));
ALTER TABLE query_log ADD COLUMN is_cached boolean;
CREATE INDEX query_log_unanswered ON query_log (tenant_id, at) WHERE is_abstained;
CREATE INDEX query_log_doubtful ON query_log (tenant_id, at)
  WHERE confidence_level = 'low' AND NOT is_abstained
"""

# Another signature than that of 0020, which older processes go on calling.
TENANTS = """
CREATE FUNCTION citewell_tenants_with_expired_trash(usual_minutes int)
  RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id FROM tenant t WHERE EXISTS (
       SELECT FROM document d WHERE d.tenant_id = t.id
         AND d.deleted_at <= now() - make_interval(
           mins => coalesce(t.trash_days * 1440, usual_minutes)))
     UNION SELECT tenant_id FROM blob WHERE released_at IS NOT NULL
     UNION SELECT tenant_id FROM blob_claim WHERE expires_at <= now()
     UNION SELECT tenant_id FROM collection WHERE discard_after <= now() $$
"""


def upgrade() -> None:
    """Add the columns.

    A worker of a former version purges by the installation's setting alone, and its server notes
    no privacy; that of the tenant holds for what is shown all the same.
    """
    for statement in COLUMNS.split(";\n"):
        op.execute(statement)
    op.execute(TENANTS)
