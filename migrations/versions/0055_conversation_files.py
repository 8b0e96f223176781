"""Files of one conversation: a collection that the database hides, and removes with it."""

from alembic import op

revision = "0055"
down_revision = "0054"

# No role reaches the level 9, so statements of older processes leave such documents out as well.
COLUMNS = """
ALTER TABLE conversation ADD COLUMN has_files boolean NOT NULL DEFAULT false;
CREATE INDEX conversation_with_files ON conversation (tenant_id) WHERE has_files;
ALTER TABLE collection DROP CONSTRAINT collection_visibility_check,
  ADD CONSTRAINT collection_visibility_check
  CHECK (visibility IN ('open', 'private', 'conversation'));
ALTER TABLE document DROP CONSTRAINT document_access_level_check,
  ADD CONSTRAINT document_access_level_check CHECK (access_level IN (0, 1, 2, 3, 9))
"""

# With the trash, as what copies or rebuilds all there is asks for that.
HIDE = """
CREATE POLICY conversation ON collection AS RESTRICTIVE USING (
  visibility <> 'conversation' OR current_user <> 'citewell_app'
  OR current_setting('citewell.trash', true) = 'shown'
  OR current_setting('citewell.conversation', true) = 'shown')
"""

# However the conversation goes: by its owner, with its user, or in its time.
DISCARD = """
CREATE FUNCTION citewell_discard_files() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE collection SET discard_after = now()
  WHERE tenant_id = old.tenant_id AND id = old.id AND visibility = 'conversation';
  RETURN NULL;
END $$
"""

TRIGGER = """
CREATE TRIGGER discard_files AFTER DELETE ON conversation FOR EACH ROW WHEN (old.has_files)
EXECUTE FUNCTION citewell_discard_files()
"""


def upgrade() -> None:
    """Add the columns; older processes see no such files, and remove them as others."""
    for statement in COLUMNS.split(";\n"):
        op.execute(statement)
    for statement in (HIDE, DISCARD, TRIGGER):
        op.execute(statement)
