"""Whether the log of questions keeps personal data: a setting of a tenant."""

from alembic import op

revision = "0065"
down_revision = "0064"


def upgrade() -> None:
    """Add the column; older processes do not read it, and write questions as they are."""
    op.execute(
        "ALTER TABLE tenant ADD COLUMN log_redaction text NOT NULL DEFAULT 'off' "
        "CHECK (log_redaction IN ('off', 'personal'))"
    )
