"""Adds `job.failures` and `tool_execution.has_effect`.

Failures are attempts that ended with an error that passes; one whose worker was killed is none. The
terms of a call are kept as they were when it was approved or begun, since a server of tools may say
something else of the same tool later.
"""

from alembic import op

revision = "0068"
down_revision = "0067"


def upgrade() -> None:
    """Add the columns; older processes neither read nor write them."""
    op.execute("ALTER TABLE job ADD COLUMN failures int NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE tool_execution ADD COLUMN has_effect boolean")
