"""Runs of workflows and the state of their nodes."""

from alembic import op

revision = "0037"
down_revision = "0036"

TABLES = """
CREATE TABLE workflow_run (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  workflow_id uuid NOT NULL,
  workflow_slug text NOT NULL,
  workflow_version int NOT NULL,
  spec jsonb NOT NULL,
  inputs jsonb NOT NULL,
  given_document_ids uuid[] NOT NULL DEFAULT '{}',
  parent_id uuid,
  root_id uuid NOT NULL,
  depth smallint NOT NULL DEFAULT 1,
  job_id uuid,
  attempt int NOT NULL DEFAULT 0,
  status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  reason text,
  actor_kind text NOT NULL,
  actor_id uuid,
  user_id uuid,
  key_id uuid,
  scopes text[] NOT NULL,
  output jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  erased_at timestamptz,
  PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);
CREATE INDEX workflow_run_actor ON workflow_run (tenant_id, actor_id, id);
CREATE INDEX workflow_run_root ON workflow_run (tenant_id, root_id);
CREATE INDEX workflow_run_job ON workflow_run (tenant_id, job_id);
CREATE INDEX workflow_run_given ON workflow_run USING gin (given_document_ids);
CREATE INDEX workflow_run_open ON workflow_run (tenant_id) WHERE status IN ('queued', 'running');

CREATE TABLE workflow_node_run (
  tenant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  node text NOT NULL,
  item int NOT NULL,
  status text NOT NULL CHECK (status IN
    ('ready', 'running', 'waiting', 'succeeded', 'failed', 'skipped', 'cancelled')),
  outcome text,
  job_id uuid,
  agent_run_id uuid,
  child_run_id uuid,
  output jsonb,
  document_ids uuid[] NOT NULL DEFAULT '{}',
  reason text,
  message text,
  action_hash text,
  wakes_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  decided_by uuid,
  decided_at timestamptz,
  comment text,
  PRIMARY KEY (tenant_id, run_id, node, item),
  FOREIGN KEY (tenant_id, run_id) REFERENCES workflow_run (tenant_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX workflow_node_run_wakes ON workflow_node_run (wakes_at) WHERE status = 'waiting';
CREATE INDEX workflow_node_run_work ON workflow_node_run (tenant_id, agent_run_id, child_run_id)
  WHERE status = 'running';
CREATE INDEX workflow_node_run_documents ON workflow_node_run USING gin (document_ids);
ALTER TABLE agent_run ADD COLUMN given_document_ids uuid[] NOT NULL DEFAULT '{}';
CREATE INDEX agent_run_given ON agent_run USING gin (given_document_ids)
"""

# As with runs of agents: the words of a document that is deleted for good go from the runs that
# read it, and from those that were given what these had read. Rows are locked in the order of a
# run's own steps (runs, nodes, agents); triggers fire by name, so this one is before the agents'.
ERASE = """
CREATE FUNCTION citewell_erase_workflow_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[];
  roots uuid[];
BEGIN
  SELECT array_agg(id) INTO ids FROM gone;
  IF ids IS NULL THEN RETURN NULL; END IF;
  SELECT array_agg(DISTINCT r.root_id) INTO roots FROM workflow_run r
  WHERE r.tenant_id = citewell_tenant() AND (r.given_document_ids && ids OR r.id IN (
    SELECT n.run_id FROM workflow_node_run n
    WHERE n.tenant_id = citewell_tenant() AND n.document_ids && ids));
  IF roots IS NOT NULL THEN
    UPDATE workflow_run SET output = NULL, erased_at = now(),
      inputs = CASE WHEN given_document_ids = '{}' THEN inputs ELSE '{}' END,
      reason = CASE WHEN status IN ('queued', 'running', 'waiting')
        THEN 'A document that it had read was deleted for good.' ELSE reason END,
      finished_at = coalesce(finished_at, now()),
      status = CASE WHEN status IN ('queued', 'running', 'waiting') THEN 'failed' ELSE status END
    WHERE tenant_id = citewell_tenant() AND root_id = ANY (roots);
    UPDATE workflow_node_run n SET output = NULL, message = NULL,
      status = CASE WHEN n.status IN ('ready', 'running', 'waiting') THEN 'cancelled'
        ELSE n.status END,
      finished_at = coalesce(n.finished_at, now())
    FROM workflow_run r
    WHERE r.tenant_id = citewell_tenant() AND r.root_id = ANY (roots)
      AND n.tenant_id = citewell_tenant() AND n.run_id = r.id;
  END IF;
  UPDATE agent_run SET question = '', report = NULL, erased_at = now(),
    reason = CASE WHEN status IN ('queued', 'running', 'waiting')
      THEN 'A document that it was given was deleted for good.' ELSE reason END,
    finished_at = coalesce(finished_at, now()),
    status = CASE WHEN status IN ('queued', 'running', 'waiting') THEN 'failed' ELSE status END
  WHERE tenant_id = citewell_tenant() AND given_document_ids && ids;
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER erase_flow_runs AFTER DELETE ON document REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_erase_workflow_runs()
"""

# Runs that can go on: a pause or the time for a decision is over, an agent or a run within has
# ended, or a job ended without its run.
DUE = """
CREATE FUNCTION citewell_tenants_with_due_workflows() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT tenant_id FROM workflow_node_run WHERE status = 'waiting' AND wakes_at <= now()
     UNION SELECT n.tenant_id FROM workflow_node_run n
       JOIN agent_run a ON a.tenant_id = n.tenant_id AND a.id = n.agent_run_id
       WHERE n.status = 'running' AND a.status IN ('succeeded', 'failed', 'cancelled')
     UNION SELECT n.tenant_id FROM workflow_node_run n
       JOIN workflow_run c ON c.tenant_id = n.tenant_id AND c.id = n.child_run_id
       WHERE n.status = 'running' AND c.status IN ('succeeded', 'failed', 'cancelled')
     UNION SELECT tenant_id FROM workflow_run WHERE status IN ('queued', 'running') $$
"""

GUARDED = ("workflow_run", "workflow_node_run")


def upgrade() -> None:
    """Make the tables; older processes do not look at them."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(ERASE)
    op.execute(TRIGGER)
    for table in GUARDED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
        op.execute(f"CREATE POLICY upkeep ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(DUE)
