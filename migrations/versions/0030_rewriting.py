"""Other questions that a model writes for a tenant's questions: which, as the tenant says."""

from alembic import op

revision = "0030"
down_revision = "0029"

COLUMN = """
ALTER TABLE tenant ADD COLUMN query_rewriting text[] CHECK (
  query_rewriting <@ ARRAY['rewrite', 'variations', 'decomposition', 'hyde'])
"""

# As in 0029, with the new column: what it changes must not be answered out of a cache.
STAMP = """
CREATE CONSTRAINT TRIGGER stamp_change AFTER UPDATE ON tenant DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (
  (old.verifier, old.prompts, old.status, old.has_cache, old.query_rewriting) IS DISTINCT FROM
  (new.verifier, new.prompts, new.status, new.has_cache, new.query_rewriting))
EXECUTE FUNCTION citewell_stamp_library()
"""


def upgrade() -> None:
    """Add the column; older processes go on with the installation's setting."""
    op.execute(COLUMN)
    op.execute("DROP TRIGGER stamp_change ON tenant")
    op.execute(STAMP)
