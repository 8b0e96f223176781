"""Webhooks, and what they are still to be told of or were told."""

from alembic import op

revision = "0050"
down_revision = "0049"

TABLES = """
CREATE TABLE webhook (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL,
  url text NOT NULL,
  events text[] NOT NULL,
  sealed_secret bytea NOT NULL,
  key_id uuid NOT NULL,
  former_sealed bytea,
  former_key_id uuid,
  former_until timestamptz,
  is_active boolean NOT NULL DEFAULT true,
  disabled_reason text,
  failures int NOT NULL DEFAULT 0,
  actor_kind text NOT NULL,
  user_id uuid,
  owner_key_id uuid,
  job_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_job ON webhook (tenant_id, job_id);
CREATE INDEX webhook_user ON webhook (tenant_id, user_id);

CREATE TABLE webhook_delivery (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  webhook_id uuid NOT NULL,
  event text NOT NULL,
  object_id uuid NOT NULL,
  facts jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'delivered', 'failed', 'withheld')),
  attempts int NOT NULL DEFAULT 0,
  next_at timestamptz DEFAULT clock_timestamp(),
  response_status int,
  error text,
  duration_ms int,
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhook (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_delivery_hook ON webhook_delivery (tenant_id, webhook_id, created_at);
CREATE INDEX webhook_delivery_due ON webhook_delivery (next_at) WHERE status = 'pending'
"""

# In the transaction of the change: none is missed, and none is told of that was rolled back. What
# the owner may read is decided when it is sent; of what is gone by then the facts are kept.
NOTE = """
CREATE FUNCTION citewell_note_for_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  about text;
  subject uuid := new.id;
  known jsonb := '{}';
BEGIN
  IF TG_TABLE_NAME = 'job' THEN
    IF new.kind LIKE 'webhooks.%' THEN RETURN NULL; END IF;
    about := 'job.' || new.status;
  ELSIF TG_TABLE_NAME = 'query_log' THEN
    about := 'answer.created';
  ELSE
    known := jsonb_build_object('collection_id', new.collection_id,
      'access_level', new.access_level, 'created_by', new.created_by);
    IF new.deleted_at IS NOT NULL THEN about := 'document.deleted';
    ELSIF old.deleted_at IS NOT NULL THEN about := 'document.restored';
    ELSIF old.active_version_id IS NULL THEN about := 'document.created';
    ELSE about := 'document.updated';
    END IF;
  END IF;
  INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id, facts)
  SELECT new.tenant_id, gen_random_uuid(), w.id, about, subject, known FROM webhook w
  WHERE w.tenant_id = new.tenant_id AND w.is_active AND about = ANY (w.events);
  RETURN NULL;
END $$
"""

RATED = """
CREATE FUNCTION citewell_note_rating_for_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO webhook_delivery (tenant_id, id, webhook_id, event, object_id)
  SELECT new.tenant_id, gen_random_uuid(), w.id, 'answer.rated', new.query_id FROM webhook w
  WHERE w.tenant_id = new.tenant_id AND w.is_active AND 'answer.rated' = ANY (w.events);
  RETURN NULL;
END $$
"""

TRIGGERS = """
CREATE TRIGGER note_for_webhooks AFTER UPDATE OF active_version_id, deleted_at ON document
FOR EACH ROW WHEN (
  (new.deleted_at IS NOT NULL AND old.deleted_at IS NULL AND old.active_version_id IS NOT NULL)
  OR (new.deleted_at IS NULL AND new.active_version_id IS NOT NULL
    AND new.active_version_id IS DISTINCT FROM old.active_version_id))
EXECUTE FUNCTION citewell_note_for_webhooks();
CREATE TRIGGER note_for_webhooks AFTER UPDATE OF status ON job
FOR EACH ROW WHEN (new.status IN ('succeeded', 'failed', 'cancelled')
  AND new.status IS DISTINCT FROM old.status)
EXECUTE FUNCTION citewell_note_for_webhooks();
CREATE TRIGGER note_for_webhooks AFTER INSERT ON query_log
FOR EACH ROW EXECUTE FUNCTION citewell_note_for_webhooks();
CREATE TRIGGER note_rating AFTER INSERT OR UPDATE OF rating ON feedback
FOR EACH ROW EXECUTE FUNCTION citewell_note_rating_for_webhooks()
"""

DUE = """
CREATE FUNCTION citewell_tenants_with_due_webhooks() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM webhook_delivery
     WHERE status = 'pending' AND next_at <= now() $$
"""

OLD = """
CREATE FUNCTION citewell_tenants_with_old_deliveries(days int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM webhook_delivery
     WHERE created_at < now() - make_interval(days => days) $$
"""

GUARDED = ("webhook", "webhook_delivery")


def upgrade() -> None:
    """Make the tables; what older processes change is noted by the triggers too."""
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
    op.execute("CREATE POLICY upkeep ON webhook_delivery FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(NOTE)
    op.execute(RATED)
    for statement in TRIGGERS.split(";\n"):
        op.execute(statement)
    op.execute(DUE)
    op.execute(OLD)
