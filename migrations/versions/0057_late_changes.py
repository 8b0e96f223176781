"""Late changes and old words are found by one statement; errors of no tenant are the operator's."""

from alembic import op

revision = "0057"
down_revision = "0056"

COLUMNS = """
ALTER TABLE analytics_state ADD COLUMN late_changes bigint NOT NULL DEFAULT 0;
ALTER TABLE error_event ADD COLUMN of_installation boolean NOT NULL DEFAULT false
"""

# Usage bears the time it began at and is written up to this many seconds later.
LATE = """
CREATE FUNCTION citewell_late_changes(tenant uuid, until timestamptz, late_seconds int)
  RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT (SELECT count(*) FROM query_log WHERE tenant_id = tenant
      AND at > until - make_interval(secs => late_seconds) AND at <= until)
    + (SELECT count(*) FROM feedback WHERE tenant_id = tenant
      AND updated_at > until - make_interval(secs => late_seconds) AND updated_at <= until)
    + (SELECT count(*) FROM document_version WHERE tenant_id = tenant
      AND published_at > until - make_interval(secs => late_seconds) AND published_at <= until)
    + (SELECT count(*) FROM agent_run WHERE tenant_id = tenant AND depth = 0
      AND finished_at > until - make_interval(secs => late_seconds) AND finished_at <= until)
$$
"""

# Another signature than that of 0049, which older processes go on calling.
TO_COUNT = """
CREATE FUNCTION citewell_tenants_to_count(late_seconds int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT citewell_tenants_to_count()
     UNION
     SELECT tenant_id FROM analytics_state
     WHERE citewell_late_changes(tenant_id, counted_until, late_seconds) <> late_changes $$
"""

# Days as `analytics.service.first_kept` counts them.
OLD_WORDS = """
CREATE FUNCTION citewell_tenants_with_old_words(usual_days int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id FROM tenant t WHERE EXISTS (
       SELECT FROM analytics_item i
       WHERE i.tenant_id = t.id AND i.kind = 'question' AND i.span IN ('day', 'month')
         AND i.start <= CAST(
           now() AT TIME ZONE 'UTC' - make_interval(days => coalesce(t.answer_days, usual_days))
           AS date)) $$
"""

# Of what was noted in the tenant `default` so far only jobs are known to be its own.
OF_INSTALLATION = """
UPDATE error_event SET of_installation = true
WHERE source <> 'job' AND tenant_id IN (SELECT id FROM tenant WHERE slug = 'default')
"""


def upgrade() -> None:
    """Add what is asked for; an older process notes errors of no tenant in `default` as before."""
    for statement in COLUMNS.split(";\n"):
        op.execute(statement)
    op.execute(
        "CREATE POLICY upkeep_analytics ON analytics_item FOR SELECT TO CURRENT_USER "
        "USING (kind = 'question')"
    )
    for function in (LATE, TO_COUNT, OLD_WORDS):
        op.execute(function)
    op.execute("ALTER TABLE error_event NO FORCE ROW LEVEL SECURITY")  # for the owner, just now
    op.execute(OF_INSTALLATION)
    op.execute("ALTER TABLE error_event FORCE ROW LEVEL SECURITY")
