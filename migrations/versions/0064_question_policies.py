"""Rules of a tenant on questions, and the questions they refused."""

from alembic import op

revision = "0064"
down_revision = "0063"

COLUMNS = (
    "ALTER TABLE tenant ADD COLUMN question_policy jsonb NOT NULL DEFAULT '{}'",
    "ALTER TABLE query_log ADD COLUMN refusal text",
)

# As in 0043, with the new column: what a role may ask decides what an answer is.
STAMP = """
CREATE CONSTRAINT TRIGGER stamp_change AFTER UPDATE ON tenant DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (
  (old.verifier, old.prompts, old.status, old.has_cache, old.query_rewriting, old.redaction,
   old.question_policy)
  IS DISTINCT FROM
  (new.verifier, new.prompts, new.status, new.has_cache, new.query_rewriting, new.redaction,
   new.question_policy))
EXECUTE FUNCTION citewell_stamp_library()
"""


def upgrade() -> None:
    """Add the columns; older processes know no rules until they are replaced."""
    for statement in COLUMNS:
        op.execute(statement)
    op.execute("DROP TRIGGER stamp_change ON tenant")
    op.execute(STAMP)
