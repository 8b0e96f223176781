"""Passwords that users set anew with a token an administrator gave them."""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Add the columns; older processes do not look at them."""
    op.execute(
        "ALTER TABLE user_account ADD COLUMN reset_hash bytea, "
        "ADD COLUMN reset_expires_at timestamptz"
    )
