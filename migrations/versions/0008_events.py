"""Keeps changes for an hour, so that open streams learn of them and can resume."""

from alembic import op

revision = "0008"
down_revision = "0007"

TABLE = """
CREATE TABLE event (
  tenant_id uuid NOT NULL,
  id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('document_update', 'job_update')),
  object_id uuid NOT NULL,
  document_id uuid NOT NULL,
  transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (tenant_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05)
"""
# No foreign key: its lock, taken while others wait for ours at their commit, could close a circle.

ONCE = "CREATE UNIQUE INDEX event_once ON event (tenant_id, object_id, transaction)"

# Called at commit. Whoever writes events of a tenant keeps the others waiting until it is
# committed, so ids are in the order of commits and a reader that has seen one has seen all before.
# An id is the time in microseconds: it tells nobody how much there was in between.
NOTE = """
CREATE FUNCTION citewell_note_event() RETURNS trigger LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  changed record;
  about text := 'job_update';
  subject uuid;
  owner uuid;
  writing xid8;
BEGIN
  IF TG_OP = 'DELETE' THEN changed := old; ELSE changed := new; END IF;
  -- The owner of the schema at work on all tenants, or a tenant that is just being removed.
  IF changed.tenant_id IS DISTINCT FROM citewell_tenant() THEN RETURN NULL; END IF;
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM tenant WHERE id = changed.tenant_id) THEN
    RETURN NULL;
  END IF;
  IF TG_TABLE_NAME = 'job' THEN
    IF changed.document_id IS NULL THEN RETURN NULL; END IF;
    subject := changed.id;
    owner := changed.document_id;
  ELSIF TG_TABLE_NAME = 'document' THEN
    about := 'document_update';
    subject := changed.id;
    owner := changed.id;
  ELSE
    about := 'document_update';
    subject := changed.document_id;
    owner := changed.document_id;
  END IF;
  -- One for each object and transaction; of how far a job is, the latest one only.
  writing := CASE WHEN TG_NAME = 'note_progress' THEN '0'::xid8 ELSE pg_current_xact_id() END;
  PERFORM pg_advisory_xact_lock(hashtextextended('event:' || changed.tenant_id, 0));
  INSERT INTO event (tenant_id, id, kind, object_id, document_id, transaction)
  VALUES (
    changed.tenant_id,
    (SELECT greatest(coalesce(max(id), 0) + 1,
                     (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
     FROM event WHERE tenant_id = changed.tenant_id),
    about, subject, owner, writing)
  ON CONFLICT (tenant_id, object_id, transaction) DO UPDATE SET id = excluded.id
  WHERE event.transaction = '0'::xid8;
  PERFORM pg_notify('citewell_event', changed.tenant_id::text);
  RETURN NULL;
END $$
"""

TRIGGERS = """
CREATE CONSTRAINT TRIGGER note_event AFTER INSERT OR DELETE ON document
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION citewell_note_event();

CREATE CONSTRAINT TRIGGER note_change AFTER UPDATE ON document
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old IS DISTINCT FROM new)
EXECUTE FUNCTION citewell_note_event();

CREATE CONSTRAINT TRIGGER note_event AFTER INSERT ON document_version
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION citewell_note_event();

CREATE CONSTRAINT TRIGGER note_change AFTER UPDATE ON document_version
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old IS DISTINCT FROM new)
EXECUTE FUNCTION citewell_note_event();

CREATE CONSTRAINT TRIGGER note_event AFTER INSERT ON job
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION citewell_note_event();

CREATE CONSTRAINT TRIGGER note_change AFTER UPDATE ON job
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN ((old.status, old.reason, old.attempts)
  IS DISTINCT FROM (new.status, new.reason, new.attempts))
EXECUTE FUNCTION citewell_note_event();

CREATE CONSTRAINT TRIGGER note_progress AFTER UPDATE ON job
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN ((old.status, old.reason, old.attempts)
    IS NOT DISTINCT FROM (new.status, new.reason, new.attempts)
  AND (old.stage, old.done, old.total) IS DISTINCT FROM (new.stage, new.done, new.total))
EXECUTE FUNCTION citewell_note_event()
"""

SECURITY = """
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
ALTER TABLE event FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON event
  USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON event TO citewell_app;
CREATE POLICY upkeep ON event FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION citewell_tenants_with_events(before bigint) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT DISTINCT tenant_id FROM event WHERE id < before $$
"""


def upgrade() -> None:
    """Make table and triggers, so that what older processes change is told too."""
    op.execute(TABLE)
    op.execute(ONCE)
    op.execute(NOTE)
    for statement in TRIGGERS.split(";\n"):
        op.execute(statement)
    for statement in SECURITY.split(";\n"):
        op.execute(statement)
