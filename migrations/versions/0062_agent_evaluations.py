"""Evaluation runs may name an agent, as it was when they began.

An older process asks such a run of the library: it is to be begun by newer ones.
"""

from alembic import op

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE eval_run ADD COLUMN agent jsonb")
