"""Conversations: a tree of questions, each with a reference to its stored answer."""

from alembic import op

revision = "0034"
down_revision = "0033"

# No foreign key to the answer: it goes in its own time, and what a tenant does not keep was never
# there. A parent is of the same conversation, which its key says.
TABLES = """
CREATE TABLE conversation (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  actor_id uuid NOT NULL,
  user_id uuid,
  title text NOT NULL DEFAULT '',
  has_own_title boolean NOT NULL DEFAULT false,
  is_pinned boolean NOT NULL DEFAULT false,
  is_shared boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_actor ON conversation (tenant_id, actor_id, updated_at);
CREATE INDEX conversation_user ON conversation (tenant_id, user_id);
CREATE INDEX conversation_time ON conversation (tenant_id, updated_at);

CREATE TABLE conversation_message (
  tenant_id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  id uuid NOT NULL,
  parent_id uuid,
  query_id uuid,
  question text NOT NULL,
  summary text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, conversation_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversation (tenant_id, id)
    ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, conversation_id, parent_id)
    REFERENCES conversation_message (tenant_id, conversation_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_message_parent
  ON conversation_message (tenant_id, conversation_id, parent_id);

ALTER TABLE query_log ADD COLUMN standalone text;
ALTER TABLE tenant ADD COLUMN conversation_days int CHECK (conversation_days > 0)
"""

# A question that was made to stand alone may hold words of the answer before it, whose documents
# are then among its own.
ERASE = """
CREATE OR REPLACE FUNCTION citewell_erase_answers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE query_log q
  SET answer = NULL, sentences = NULL, standalone = NULL, erased_at = clock_timestamp()
  WHERE q.erased_at IS NULL AND (q.tenant_id, q.id) IN (
    SELECT d.tenant_id, d.query_id FROM query_document d
    JOIN gone ON gone.tenant_id = d.tenant_id AND gone.id = d.document_id);
  RETURN NULL;
END $$
"""

UPKEEP = """
CREATE FUNCTION citewell_tenants_with_old_conversations(usual_days int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id FROM tenant t WHERE EXISTS (
       SELECT FROM conversation c WHERE c.tenant_id = t.id AND c.updated_at
         < now() - make_interval(days => coalesce(t.conversation_days, usual_days))) $$
"""


def upgrade() -> None:
    """Make the tables; older processes know no conversations, and their answers stand alone."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(ERASE)
    for table in ("conversation", "conversation_message"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
    op.execute("CREATE POLICY upkeep ON conversation FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(UPKEEP)
