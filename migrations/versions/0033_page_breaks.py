"""Chunks know where their pages end, so that a citation names the page of its quote.

A constant default is no rewrite of the table (PostgreSQL 11 and later). Chunks of earlier versions
of Citewell have no breaks: their citations go on naming the page the chunk begins on, until the
document is read again.
"""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE chunk ADD COLUMN page_breaks int[] NOT NULL DEFAULT '{}'")
