"""Triggers of workflows, and the changes of documents that they are still to be told of."""

from alembic import op

revision = "0038"
down_revision = "0037"

TABLES = """
CREATE TABLE workflow_trigger (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  workflow_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('document', 'schedule')),
  events text[] NOT NULL DEFAULT '{}',
  collection_id uuid,
  cron text,
  timezone text,
  every text,
  next_at timestamptz,
  inputs jsonb NOT NULL,
  is_enabled boolean NOT NULL DEFAULT true,
  last_run_id uuid,
  last_error text,
  actor_kind text NOT NULL,
  actor_id uuid,
  user_id uuid,
  key_id uuid,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflow (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX workflow_trigger_workflow ON workflow_trigger (tenant_id, workflow_id);
CREATE INDEX workflow_trigger_document ON workflow_trigger (tenant_id)
  WHERE is_enabled AND kind = 'document';
CREATE INDEX workflow_trigger_due ON workflow_trigger (next_at) WHERE is_enabled;

CREATE TABLE workflow_event (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  trigger_id uuid NOT NULL,
  document_id uuid NOT NULL,
  kind text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, trigger_id) REFERENCES workflow_trigger (tenant_id, id)
    ON DELETE CASCADE
)
"""

# In the transaction in which a version begins to answer: none is missed, and none is told of that
# was rolled back. A document that comes back from the trash has not changed.
NOTE = """
CREATE FUNCTION citewell_note_for_workflows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  change text := CASE WHEN old.active_version_id IS NULL THEN 'created' ELSE 'updated' END;
BEGIN
  INSERT INTO workflow_event (tenant_id, id, trigger_id, document_id, kind)
  SELECT new.tenant_id, gen_random_uuid(), t.id, new.id, change FROM workflow_trigger t
  WHERE t.tenant_id = new.tenant_id AND t.is_enabled AND t.kind = 'document'
    AND change = ANY (t.events)
    AND (t.collection_id IS NULL OR t.collection_id = new.collection_id);
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER note_for_workflows AFTER UPDATE OF active_version_id ON document
FOR EACH ROW WHEN (new.active_version_id IS NOT NULL AND old.deleted_at IS NULL
  AND new.active_version_id IS DISTINCT FROM old.active_version_id)
EXECUTE FUNCTION citewell_note_for_workflows()
"""

DUE = """
CREATE FUNCTION citewell_tenants_with_due_triggers() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT tenant_id FROM workflow_event
     UNION SELECT tenant_id FROM workflow_trigger WHERE is_enabled AND next_at <= now() $$
"""

GUARDED = ("workflow_trigger", "workflow_event")


def upgrade() -> None:
    """Make the tables; older processes note changes of documents through the trigger too."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(NOTE)
    for table in GUARDED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
        op.execute(f"CREATE POLICY upkeep ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(TRIGGER)
    op.execute(DUE)
