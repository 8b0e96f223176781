"""Events of answers that are being made, for readers who come again or sit at another node."""

from alembic import op

revision = "0035"
down_revision = "0034"

# `documents` are those the answer is made of: who may not read one of them any more gets no event,
# and with one that is deleted for good the events go.
TABLES = """
CREATE TABLE answer_stream (
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  conversation_id uuid NOT NULL,
  documents uuid[] NOT NULL,
  is_stop_wanted boolean NOT NULL DEFAULT false,
  beat_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (tenant_id, message_id),
  FOREIGN KEY (tenant_id, conversation_id, message_id)
    REFERENCES conversation_message (tenant_id, conversation_id, id) ON DELETE CASCADE
);
CREATE INDEX answer_stream_message ON answer_stream (tenant_id, conversation_id, message_id);
CREATE TABLE answer_stream_event (
  tenant_id uuid NOT NULL,
  message_id uuid NOT NULL,
  last_id int NOT NULL,
  events jsonb NOT NULL,
  PRIMARY KEY (tenant_id, message_id, last_id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES answer_stream (tenant_id, message_id)
    ON DELETE CASCADE
)
"""

ERASE = """
CREATE FUNCTION citewell_erase_streams() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM answer_stream s USING gone
  WHERE s.tenant_id = gone.tenant_id AND gone.id = ANY (s.documents);
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER erase_streams AFTER DELETE ON document REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_erase_streams()
"""

UPKEEP = """
CREATE FUNCTION citewell_tenants_with_old_streams(seconds double precision) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT s.tenant_id FROM answer_stream s
     WHERE s.beat_at < now() - make_interval(secs => seconds) $$
"""


def upgrade() -> None:
    """Make the tables; older processes stream to the connection alone."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(ERASE)
    op.execute(TRIGGER)
    for table in ("answer_stream", "answer_stream_event"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
    op.execute("CREATE POLICY upkeep ON answer_stream FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(UPKEEP)
