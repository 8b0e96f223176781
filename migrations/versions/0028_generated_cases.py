"""Evaluation cases say where they come from; those made from documents wait for a review."""

from alembic import op

revision = "0028"
down_revision = "0027"

COLUMNS = """
ALTER TABLE eval_case
  ADD COLUMN origin text NOT NULL DEFAULT 'manual'
    CHECK (origin IN ('manual', 'answer', 'feedback', 'generated')),
  ADD COLUMN written_by text,
  ADD COLUMN is_reviewed boolean NOT NULL DEFAULT true,
  ADD COLUMN passage jsonb;
ALTER TABLE eval_run
  ADD COLUMN judge text,
  ADD COLUMN with_unreviewed boolean NOT NULL DEFAULT false,
  ADD COLUMN is_rejected boolean NOT NULL DEFAULT false;

CREATE TABLE eval_generation (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL,
  dataset_id uuid NOT NULL,
  job_id uuid,
  writer text NOT NULL,
  document_ids uuid[] NOT NULL,
  wanted int NOT NULL,
  made int NOT NULL DEFAULT 0,
  rejected int NOT NULL DEFAULT 0,
  created_by uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, dataset_id) REFERENCES eval_dataset (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX eval_generation_dataset ON eval_generation (tenant_id, dataset_id, id);
CREATE INDEX eval_generation_job ON eval_generation (tenant_id, job_id)
"""

# Question and answer of such a case are words of its document: they go with it, also from the runs.
ERASE = """
CREATE FUNCTION citewell_erase_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH erased AS (
    DELETE FROM eval_case c USING gone
    WHERE c.tenant_id = gone.tenant_id AND c.passage IS NOT NULL
      AND (c.passage->>'document_id')::uuid = gone.id
    RETURNING c.tenant_id, c.id)
  UPDATE eval_result r SET question = '', answer = NULL
  FROM erased WHERE r.tenant_id = erased.tenant_id AND r.case_id = erased.id;
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER erase_cases AFTER DELETE ON document REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_erase_cases()
"""


def upgrade() -> None:
    """Add them; the cases of older processes count as written by hand."""
    for statement in COLUMNS.split(";\n"):
        op.execute(statement)
    op.execute(ERASE)
    op.execute(TRIGGER)
    op.execute("ALTER TABLE eval_generation ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE eval_generation FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON eval_generation "
        "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON eval_generation TO citewell_app")
