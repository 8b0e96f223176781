"""Lists of documents are read from indexes alone.

In a library of a hundred thousand documents, the fifty thousandth is found without visiting the
rows before it, and a filter by status compares versions without visiting theirs. An older process
works with and without the indexes.
"""

from alembic import op

revision = "0054"
down_revision = "0051"


def upgrade() -> None:
    """Add two indexes that hold what lists filter by."""
    op.execute(
        "CREATE INDEX document_listing ON document (tenant_id, id) "
        "INCLUDE (access_level, collection_id, created_by, deleted_at)"
    )
    op.execute(
        "CREATE INDEX document_version_status "
        "ON document_version (tenant_id, status, document_id, number)"
    )
