"""Adds the author of each version and the history of active versions of a document."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLE = """
CREATE TABLE document_activation (
  tenant_id uuid NOT NULL,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  document_id uuid NOT NULL,
  version_id uuid NOT NULL,
  active_from timestamptz NOT NULL,
  active_until timestamptz CHECK (active_until >= active_from),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES document (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, version_id) REFERENCES document_version (tenant_id, id)
    ON DELETE CASCADE
);
CREATE UNIQUE INDEX document_activation_open ON document_activation (tenant_id, document_id)
  WHERE active_until IS NULL;
CREATE INDEX document_activation_document ON document_activation (tenant_id, document_id);
CREATE INDEX document_activation_version ON document_activation (tenant_id, version_id)
"""

KNOWN_SO_FAR = """
INSERT INTO document_activation (tenant_id, document_id, version_id, active_from, active_until)
SELECT v.tenant_id, v.document_id, v.id, v.published_at, later.published_at
FROM document_version v CROSS JOIN LATERAL (
  SELECT min(w.published_at) AS published_at FROM document_version w
  WHERE w.tenant_id = v.tenant_id AND w.document_id = v.document_id AND w.number > v.number
) AS later
WHERE v.status IN ('ready', 'superseded') AND v.published_at IS NOT NULL
  AND (later.published_at IS NULL OR later.published_at > v.published_at)
"""

NOTE = """
CREATE FUNCTION citewell_note_activation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz;
BEGIN
  -- Of the clock: the document is locked since, while the transaction may have begun before
  -- another one's that is there already. Never before what it follows, whatever the clock does.
  SELECT greatest(clock_timestamp(), max(active_from), max(active_until)) INTO moment
  FROM document_activation
  WHERE tenant_id = new.tenant_id AND document_id = new.id;
  UPDATE document_activation SET active_until = moment
  WHERE tenant_id = new.tenant_id AND document_id = new.id AND active_until IS NULL;
  IF new.active_version_id IS NOT NULL THEN
    INSERT INTO document_activation (tenant_id, document_id, version_id, active_from)
    VALUES (new.tenant_id, new.id, new.active_version_id, moment);
  END IF;
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER note_activation AFTER UPDATE OF active_version_id ON document FOR EACH ROW
WHEN (old.active_version_id IS DISTINCT FROM new.active_version_id)
EXECUTE FUNCTION citewell_note_activation()
"""

GUARDED_SOURCES = ("document_version", "document")


def upgrade() -> None:
    """Make the table and fill it; a trigger keeps it, so what older processes publish is in it."""
    for statement in TABLE.split(";\n"):
        op.execute(statement)
    op.execute("ALTER TABLE document_version ADD COLUMN created_by uuid")
    for table in GUARDED_SOURCES:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # for the owner, just now
    op.execute(KNOWN_SO_FAR)
    op.execute(
        "UPDATE document_version v SET created_by = d.created_by FROM document d "
        "WHERE d.tenant_id = v.tenant_id AND d.id = v.document_id AND v.number = 1 "
        "AND d.created_by IS NOT NULL"
    )
    for table in GUARDED_SOURCES:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(NOTE)
    op.execute(TRIGGER)
    op.execute("ALTER TABLE document_activation ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE document_activation FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant_isolation ON document_activation "
        "USING (tenant_id = citewell_tenant()) WITH CHECK (tenant_id = citewell_tenant())"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON document_activation TO citewell_app")
