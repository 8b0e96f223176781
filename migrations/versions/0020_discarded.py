"""Collections that nobody sees: what an import fills, and what is removed in batches."""

from alembic import op

revision = "0020"
down_revision = "0021"

COLUMN = """
ALTER TABLE collection ADD COLUMN discard_after timestamptz;
CREATE INDEX collection_discarded ON collection (discard_after) WHERE discard_after IS NOT NULL
"""

# Hidden as the trash is, and shown with it: whatever copies or rebuilds the trash needs its
# collections too.
HIDE = """
CREATE POLICY discarded ON collection AS RESTRICTIVE USING (
  discard_after IS NULL OR current_user <> 'citewell_app'
  OR current_setting('citewell.trash', true) = 'shown');
CREATE POLICY upkeep ON collection FOR SELECT TO CURRENT_USER USING (discard_after IS NOT NULL)
"""

# An import brings a document's history along, its open end included: that is left as it is when
# the document begins to answer. The rest is as 0004 made it.
NOTE = """
CREATE OR REPLACE FUNCTION citewell_note_activation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz;
BEGIN
  PERFORM FROM document_activation
  WHERE tenant_id = new.tenant_id AND document_id = new.id AND active_until IS NULL
    AND version_id = new.active_version_id;
  IF FOUND THEN
    RETURN NULL;
  END IF;
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

TENANTS = """
CREATE OR REPLACE FUNCTION citewell_tenants_with_trash(deleted_before timestamptz)
  RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT tenant_id FROM document WHERE deleted_at <= deleted_before
     UNION SELECT tenant_id FROM blob WHERE released_at IS NOT NULL
     UNION SELECT tenant_id FROM blob_claim WHERE expires_at <= now()
     UNION SELECT tenant_id FROM collection WHERE discard_after <= now() $$
"""


def upgrade() -> None:
    """Add the column; older processes do not see such collections, and import as they did."""
    for script in (COLUMN, HIDE):
        for statement in script.split(";\n"):
            op.execute(statement)
    op.execute(NOTE)
    op.execute(TENANTS)
