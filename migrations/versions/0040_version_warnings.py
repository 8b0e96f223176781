"""Versions know what people should see about them: text that was lost, doubts, pages of pictures.

A constant default is no rewrite of the table (PostgreSQL 11 and later). Versions of earlier
versions of Citewell have none until they are read again.
"""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE document_version ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]'")
