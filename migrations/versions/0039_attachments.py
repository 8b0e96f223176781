"""Documents know the document that they were attached to.

No foreign key: both go to the trash and are purged together, by statements of their own, and a
restored attachment may outlive its mail. An older process writes no attachments and reads none.
"""

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Add the column and an index of the few documents that have it."""
    op.execute("ALTER TABLE document ADD COLUMN attached_to uuid")
    op.execute(
        "CREATE INDEX document_attached_to ON document (tenant_id, attached_to) "
        "WHERE attached_to IS NOT NULL"
    )
