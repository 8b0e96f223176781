"""The first account of an installation is made with a token; the tenant keeps its hash."""

from alembic import op

revision = "0017"
down_revision = "0010"


def upgrade() -> None:
    """Add columns; older processes do not look at them."""
    op.execute(
        "ALTER TABLE tenant ADD COLUMN setup_hash bytea, "
        "ADD COLUMN setup_expires_at timestamptz, "
        "ADD COLUMN setup_closed_at timestamptz, "
        "ADD COLUMN setup_documents int NOT NULL DEFAULT 0"
    )
