"""Counts questions, citations, ratings and spending by day and month."""

from alembic import op

revision = "0049"
down_revision = "0048"

TABLES = """
CREATE TABLE analytics_day (
  tenant_id uuid NOT NULL REFERENCES tenant,
  day date NOT NULL,
  users int NOT NULL,
  questions int NOT NULL,
  unanswered int NOT NULL,
  doubtful int NOT NULL,
  cached int NOT NULL,
  cache_noted int NOT NULL,
  degraded int NOT NULL,
  ratings int NOT NULL,
  rating_sum int NOT NULL,
  bad_ratings int NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  money double precision NOT NULL,
  agent_runs int NOT NULL,
  documents_created int NOT NULL,
  documents_updated int NOT NULL,
  latency int[] NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, day)
);

CREATE TABLE analytics_item (
  tenant_id uuid NOT NULL REFERENCES tenant,
  kind text NOT NULL CHECK (kind IN ('person', 'question', 'document', 'agent')),
  span text NOT NULL CHECK (span IN ('day', 'month')),
  start date NOT NULL,
  key uuid NOT NULL,
  user_id uuid,
  label text NOT NULL DEFAULT '',
  questions int NOT NULL,
  unanswered int NOT NULL DEFAULT 0,
  doubtful int NOT NULL DEFAULT 0,
  bad int NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  money double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, kind, span, start, key),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX analytics_item_user ON analytics_item (tenant_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX analytics_item_document ON analytics_item (tenant_id, key) WHERE kind = 'document';

CREATE TABLE analytics_state (
  tenant_id uuid PRIMARY KEY REFERENCES tenant,
  counted_until timestamptz NOT NULL
);

CREATE INDEX feedback_changed ON feedback (tenant_id, updated_at);
CREATE INDEX document_version_published ON document_version (tenant_id, published_at);
CREATE INDEX agent_run_finished ON agent_run (tenant_id, finished_at) WHERE depth = 0
"""

# Tenants of which something has changed since they were counted.
TO_COUNT = """
CREATE FUNCTION citewell_tenants_to_count() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id FROM tenant t
     LEFT JOIN analytics_state s ON s.tenant_id = t.id,
     LATERAL (SELECT coalesce(s.counted_until, '-infinity') AS since) AS known
     WHERE EXISTS (SELECT FROM query_log q WHERE q.tenant_id = t.id AND q.at > since)
       OR EXISTS (SELECT FROM feedback f WHERE f.tenant_id = t.id AND f.updated_at > since)
       OR EXISTS (SELECT FROM document_version v
                  WHERE v.tenant_id = t.id AND v.published_at > since)
       OR EXISTS (SELECT FROM agent_run r
                  WHERE r.tenant_id = t.id AND r.finished_at > since AND r.depth = 0) $$
"""

GUARDED = ("analytics_day", "analytics_item", "analytics_state")
READ_BY_OWNER = ("analytics_state", "feedback", "document_version")


def upgrade() -> None:
    """Make the tables; the first count fills them with what is kept."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    for table in GUARDED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
    for table in READ_BY_OWNER:
        op.execute(
            f"CREATE POLICY upkeep_analytics ON {table} FOR SELECT TO CURRENT_USER USING (true)"
        )
    op.execute(TO_COUNT)
