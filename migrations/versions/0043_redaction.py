"""Whether personal data is kept from a tenant's model providers."""

from alembic import op

revision = "0043"
down_revision = "0042"

COLUMN = """
ALTER TABLE tenant ADD COLUMN redaction text NOT NULL DEFAULT 'off'
CHECK (redaction IN ('off', 'personal'))
"""

# As in 0030, with the new column: processes ask for it again when a stamp is new.
STAMP = """
CREATE CONSTRAINT TRIGGER stamp_change AFTER UPDATE ON tenant DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (
  (old.verifier, old.prompts, old.status, old.has_cache, old.query_rewriting, old.redaction)
  IS DISTINCT FROM
  (new.verifier, new.prompts, new.status, new.has_cache, new.query_rewriting, new.redaction))
EXECUTE FUNCTION citewell_stamp_library()
"""


def upgrade() -> None:
    """Add the column; older processes hide nothing."""
    op.execute(COLUMN)
    op.execute("DROP TRIGGER stamp_change ON tenant")
    op.execute(STAMP)
