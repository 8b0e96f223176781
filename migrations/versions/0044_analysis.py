"""The version of the terms that a generation of the index holds."""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Present generations have the first version, as have those that older processes begin."""
    op.execute("ALTER TABLE index_generation ADD COLUMN analysis integer NOT NULL DEFAULT 1")
