"""The reasons of an answer's confidence are kept with it."""

from alembic import op

revision = "0026"
down_revision = "0024"


def upgrade() -> None:
    """Add the column; what older processes keep has no reasons."""
    op.execute("ALTER TABLE query_log ADD COLUMN reasons jsonb NOT NULL DEFAULT '[]'")
