"""Deleted documents stay in the trash for a while; unused contents are known without a search."""

from alembic import op

revision = "0009"
down_revision = "0008"

COLUMNS = """
ALTER TABLE document
  ADD COLUMN deleted_at timestamptz,
  ADD COLUMN deleted_by uuid,
  ADD COLUMN restore_version_id uuid,
  ADD COLUMN restore_job_ids uuid[],
  ADD CONSTRAINT document_trash CHECK (CASE WHEN deleted_at IS NULL
    THEN num_nonnulls(deleted_by, restore_version_id, restore_job_ids) = 0
    ELSE active_version_id IS NULL END);
CREATE INDEX document_deleted ON document (tenant_id, deleted_at) WHERE deleted_at IS NOT NULL;
DROP INDEX document_source;
CREATE UNIQUE INDEX document_source ON document (tenant_id, collection_id, source)
  WHERE deleted_at IS NULL;
ALTER TABLE blob ADD COLUMN released_at timestamptz;
CREATE INDEX blob_released ON blob (tenant_id, released_at) WHERE released_at IS NOT NULL
"""

# Statements that do not ask for the trash, older processes' too, do not see its documents: a
# statement cannot forget it. The owner's functions, for upkeep, see it.
HIDE = """
CREATE POLICY trash ON document AS RESTRICTIVE USING (
  deleted_at IS NULL OR current_user <> 'citewell_app'
  OR current_setting('citewell.trash', true) = 'shown')
"""

# A trigger, so that any way of removing versions notes the contents that may be unused now.
RELEASE = """
CREATE FUNCTION citewell_release_blobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- In the order in which uploads lock them.
  PERFORM 1 FROM blob b
  WHERE (b.tenant_id, b.id) IN (SELECT tenant_id, blob_id FROM gone)
  ORDER BY b.tenant_id, b.sha256 FOR NO KEY UPDATE;
  UPDATE blob b SET released_at = clock_timestamp()
  WHERE (b.tenant_id, b.id) IN (SELECT tenant_id, blob_id FROM gone);
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER release_blobs AFTER DELETE ON document_version REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION citewell_release_blobs()
"""

LOOKUP = """
CREATE POLICY upkeep ON document FOR SELECT TO CURRENT_USER USING (deleted_at IS NOT NULL);
CREATE POLICY upkeep ON blob FOR SELECT TO CURRENT_USER USING (released_at IS NOT NULL);
CREATE FUNCTION citewell_tenants_with_trash(deleted_before timestamptz) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT tenant_id FROM document WHERE deleted_at <= deleted_before
     UNION SELECT tenant_id FROM blob WHERE released_at IS NOT NULL $$
"""

UNUSED_SO_FAR = """
UPDATE blob b SET released_at = now()
WHERE NOT EXISTS (
  SELECT 1 FROM document_version v WHERE v.tenant_id = b.tenant_id AND v.blob_id = b.id)
"""

GUARDED_SOURCES = ("blob", "document_version")


def upgrade() -> None:
    """Add the columns; older processes delete as they did, and do not see the trash."""
    for script in (COLUMNS, HIDE, RELEASE, TRIGGER):
        for statement in [script] if script is RELEASE else script.split(";\n"):
            op.execute(statement)
    for table in GUARDED_SOURCES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # for the owner, just now
    op.execute(UNUSED_SO_FAR)
    for table in GUARDED_SOURCES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for statement in LOOKUP.split(";\n"):
        op.execute(statement)
