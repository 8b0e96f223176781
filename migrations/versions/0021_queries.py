"""Answers with what they were made of, kept for a time each tenant sets, and their ratings."""

from alembic import op

revision = "0021"
down_revision = "0014"

TABLES = """
CREATE TABLE query_log (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  actor_kind text NOT NULL,
  actor_id uuid,
  user_id uuid,
  question text NOT NULL,
  request jsonb NOT NULL,
  language text NOT NULL,
  answer text,
  sentences jsonb,
  is_abstained boolean NOT NULL,
  confidence_level text NOT NULL,
  confidence_score real NOT NULL,
  passages jsonb NOT NULL,
  citations jsonb NOT NULL,
  model text NOT NULL,
  prompt_version text,
  embedding text,
  release text NOT NULL,
  input_tokens int NOT NULL DEFAULT 0,
  output_tokens int NOT NULL DEFAULT 0,
  timings_ms jsonb NOT NULL,
  degraded jsonb NOT NULL,
  erased_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX query_log_time ON query_log (tenant_id, at, id);
CREATE INDEX query_log_user ON query_log (tenant_id, user_id, id);

-- A table and not an array: under row-level security no index answers `&&`.
CREATE TABLE query_document (
  tenant_id uuid NOT NULL,
  document_id uuid NOT NULL,
  query_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, query_id, document_id),
  FOREIGN KEY (tenant_id, query_id) REFERENCES query_log (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX query_document_document ON query_document (tenant_id, document_id);

CREATE TABLE feedback (
  tenant_id uuid NOT NULL,
  query_id uuid NOT NULL,
  actor_id uuid NOT NULL,
  user_id uuid,
  rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, query_id, actor_id),
  FOREIGN KEY (tenant_id, query_id) REFERENCES query_log (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX feedback_user ON feedback (tenant_id, user_id);
CREATE INDEX feedback_rating ON feedback (tenant_id, rating, query_id);

ALTER TABLE tenant ADD COLUMN answer_days int CHECK (answer_days >= 0)
"""

# A document deleted for good must not live on in the words of an answer made of it.
ERASE = """
CREATE FUNCTION citewell_erase_answers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE query_log q SET answer = NULL, sentences = NULL, erased_at = clock_timestamp()
  WHERE q.erased_at IS NULL AND (q.tenant_id, q.id) IN (
    SELECT d.tenant_id, d.query_id FROM query_document d
    JOIN gone ON gone.tenant_id = d.tenant_id AND gone.id = d.document_id);
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER erase_answers AFTER DELETE ON document REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_erase_answers()
"""

UPKEEP = """
CREATE FUNCTION citewell_tenants_with_old_answers(usual_days int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id FROM tenant t WHERE EXISTS (
       SELECT FROM query_log q WHERE q.tenant_id = t.id
         AND q.at < now() - make_interval(days => coalesce(t.answer_days, usual_days))) $$
"""


def upgrade() -> None:
    """Make the tables; older processes keep no answers, and a purge of theirs erases them too."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(ERASE)
    op.execute(TRIGGER)
    for table in ("query_log", "query_document", "feedback"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
    op.execute("CREATE POLICY upkeep ON query_log FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(UPKEEP)
