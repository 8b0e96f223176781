"""Evaluations: sets of questions with what is right, runs over them, and the judged replies."""

from alembic import op

revision = "0022"
down_revision = "0020"

TABLES = """
CREATE TABLE eval_dataset (
  tenant_id uuid NOT NULL REFERENCES tenant,
  id uuid NOT NULL,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX eval_dataset_name ON eval_dataset (tenant_id, lower(name));

CREATE TABLE eval_case (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  dataset_id uuid NOT NULL,
  question text NOT NULL,
  gold text[] NOT NULL DEFAULT '{}',
  all_of text[] NOT NULL DEFAULT '{}',
  forbid text[] NOT NULL DEFAULT '{}',
  abstain boolean NOT NULL DEFAULT false,
  reference text,
  document_ids uuid[] NOT NULL DEFAULT '{}',
  kind text,
  query_id uuid,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, dataset_id) REFERENCES eval_dataset (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX eval_case_dataset ON eval_case (tenant_id, dataset_id, id);

CREATE TABLE eval_run (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  dataset_id uuid NOT NULL,
  job_id uuid,
  top_k int NOT NULL,
  model text NOT NULL,
  embedding text,
  prompt_version text,
  release text NOT NULL,
  figures jsonb,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, dataset_id) REFERENCES eval_dataset (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX eval_run_dataset ON eval_run (tenant_id, dataset_id, id);
CREATE INDEX eval_run_job ON eval_run (tenant_id, job_id);

CREATE TABLE eval_result (
  tenant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  case_id uuid NOT NULL,
  question text NOT NULL,
  kind text,
  verdict text,
  error text,
  answer text,
  is_abstained boolean NOT NULL,
  confidence_level text NOT NULL,
  confidence_score real NOT NULL,
  measures jsonb NOT NULL,
  latency_ms real NOT NULL,
  input_tokens int NOT NULL DEFAULT 0,
  output_tokens int NOT NULL DEFAULT 0,
  document_ids uuid[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (tenant_id, run_id, case_id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES eval_run (tenant_id, id) ON DELETE CASCADE
)
"""

# As stored answers: the words of what is deleted for good go from the replies made of it. A run has
# thousands of rows at most, so they are read without an index.
ERASE = """
CREATE FUNCTION citewell_erase_results() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE eval_result r SET answer = NULL
  WHERE r.answer IS NOT NULL AND EXISTS (
    SELECT FROM gone WHERE gone.tenant_id = r.tenant_id AND gone.id = ANY (r.document_ids));
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER erase_results AFTER DELETE ON document REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_erase_results()
"""


def upgrade() -> None:
    """Make the tables; older processes do not look at them."""
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    op.execute(ERASE)
    op.execute(TRIGGER)
    for table in ("eval_dataset", "eval_case", "eval_run", "eval_result"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} "
            "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO citewell_app")
