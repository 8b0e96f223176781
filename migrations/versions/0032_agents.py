"""Agents, their versions and runs, the journal of each run and its calls of tools."""

from alembic import op

revision = "0032"
down_revision = "0031"

TABLES = """
CREATE TABLE agent (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  slug text NOT NULL,
  name text NOT NULL,
  version int NOT NULL,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX agent_slug ON agent (tenant_id, slug);

CREATE TABLE agent_version (
  tenant_id uuid NOT NULL,
  agent_id uuid NOT NULL,
  number int NOT NULL,
  definition jsonb NOT NULL,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, agent_id, number),
  FOREIGN KEY (tenant_id, agent_id) REFERENCES agent (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE agent_run (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  agent_id uuid NOT NULL,
  agent_slug text NOT NULL,
  agent_version int NOT NULL,
  definition jsonb NOT NULL,
  question text NOT NULL,
  root_id uuid NOT NULL,
  parent_call uuid,
  depth smallint NOT NULL DEFAULT 0,
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
  model text,
  entries int NOT NULL DEFAULT 0,
  steps int NOT NULL DEFAULT 0,
  input_tokens int NOT NULL DEFAULT 0,
  output_tokens int NOT NULL DEFAULT 0,
  money double precision NOT NULL DEFAULT 0,
  seconds double precision NOT NULL DEFAULT 0,
  report jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  erased_at timestamptz,
  PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70);
CREATE INDEX agent_run_actor ON agent_run (tenant_id, actor_id, id);
CREATE INDEX agent_run_root ON agent_run (tenant_id, root_id);
CREATE INDEX agent_run_job ON agent_run (tenant_id, job_id);
CREATE UNIQUE INDEX agent_run_parent ON agent_run (tenant_id, parent_call)
  WHERE parent_call IS NOT NULL;
CREATE INDEX agent_run_open ON agent_run (tenant_id) WHERE status IN ('queued', 'running');

CREATE TABLE agent_step (
  tenant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  n int NOT NULL,
  kind text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, run_id, n),
  FOREIGN KEY (tenant_id, run_id) REFERENCES agent_run (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE tool_execution (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  run_id uuid NOT NULL,
  step int NOT NULL,
  place smallint NOT NULL,
  call_id text NOT NULL,
  tool text NOT NULL,
  arguments jsonb NOT NULL,
  arguments_hash text NOT NULL,
  status text NOT NULL DEFAULT 'pending',
  action text,
  output text,
  passages jsonb NOT NULL DEFAULT '[]',
  document_ids uuid[] NOT NULL DEFAULT '{}',
  input_tokens int NOT NULL DEFAULT 0,
  output_tokens int NOT NULL DEFAULT 0,
  money double precision NOT NULL DEFAULT 0,
  started_at timestamptz,
  finished_at timestamptz,
  decided_by uuid,
  decided_at timestamptz,
  comment text,
  expires_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES agent_run (tenant_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX tool_execution_place ON tool_execution (tenant_id, run_id, step, place);
CREATE INDEX tool_execution_documents ON tool_execution USING gin (document_ids);
CREATE INDEX tool_execution_waiting ON tool_execution (expires_at) WHERE status = 'waiting'
"""
# The unique places fence off a second worker: whatever it believes, it cannot add a reply twice.

# As stored answers: the words of a document that is deleted for good go from the runs that read it.
# A run that is still at work has them in its history, so it ends. Runs within runs tell each other
# what they read, and their tasks are written by the run that asked.
ERASE = """
CREATE FUNCTION citewell_erase_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  runs uuid[];
BEGIN
  SELECT array_agg(DISTINCT near.id) INTO runs FROM tool_execution t
  JOIN agent_run r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
  JOIN agent_run near ON near.tenant_id = r.tenant_id AND near.root_id = r.root_id
  WHERE t.document_ids && (SELECT array_agg(id) FROM gone) AND t.tenant_id = citewell_tenant();
  IF runs IS NULL THEN RETURN NULL; END IF;
  UPDATE tool_execution SET output = NULL, passages = '[]', arguments = '{}', action = NULL
  WHERE tenant_id = citewell_tenant() AND run_id = ANY (runs);
  UPDATE agent_step SET payload = '{}'
  WHERE tenant_id = citewell_tenant() AND run_id = ANY (runs);
  UPDATE agent_run SET report = NULL, erased_at = now(),
    question = CASE WHEN parent_call IS NULL THEN question ELSE '' END,
    reason = CASE WHEN status IN ('queued', 'running', 'waiting')
      THEN 'A document that it had read was deleted for good.' ELSE reason END,
    finished_at = coalesce(finished_at, now()),
    status = CASE WHEN status IN ('queued', 'running', 'waiting') THEN 'failed' ELSE status END
  WHERE tenant_id = citewell_tenant() AND id = ANY (runs);
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER erase_runs AFTER DELETE ON document REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_erase_runs()
"""

# Runs whose job ended without them (a crash, a cancelled job), and decisions that came too late.
OVERDUE = """
CREATE FUNCTION citewell_tenants_with_open_runs() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT tenant_id FROM agent_run WHERE status IN ('queued', 'running')
     UNION SELECT tenant_id FROM tool_execution WHERE status = 'waiting' AND expires_at <= now() $$
"""

GUARDED = ("agent", "agent_version", "agent_run", "agent_step", "tool_execution")
READ_BY_OWNER = ("agent_run", "tool_execution")


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
    for table in READ_BY_OWNER:
        op.execute(f"CREATE POLICY upkeep ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(OVERDUE)
