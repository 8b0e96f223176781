"""The settings that shaped an answer are kept with it."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the column; of what older processes keep nothing is known, so nothing is compared."""
    op.execute("ALTER TABLE query_log ADD COLUMN settings jsonb NOT NULL DEFAULT '{}'")
