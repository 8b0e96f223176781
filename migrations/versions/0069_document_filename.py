"""Documents of a collection are found by their file names."""

from alembic import op

revision = "0069"
down_revision = "0068"


def upgrade() -> None:
    """Make the index; older processes do not look by it."""
    op.execute("CREATE INDEX document_filename ON document (tenant_id, collection_id, filename)")
