"""How a tenant's answers are written: its own prompts and the second reading of sentences."""

from alembic import op

revision = "0024"
down_revision = "0022"

COLUMNS = """
ALTER TABLE tenant
  ADD COLUMN verifier text CHECK (verifier IN ('rules', 'model')),
  ADD COLUMN prompts jsonb NOT NULL DEFAULT '{}'
"""


def upgrade() -> None:
    """Add the columns; older processes write and read with the installation's settings."""
    op.execute(COLUMNS)
