"""Collections that nobody reads by their role alone.

A constant default is no rewrite of the table. A process of a former version goes on treating every
collection as open; there are no private ones before this version makes them.
"""

from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Add the column, and an index of the few private ones, which every request looks for."""
    op.execute(
        "ALTER TABLE collection ADD COLUMN visibility text NOT NULL DEFAULT 'open' "
        "CHECK (visibility IN ('open', 'private'))"
    )
    op.execute(
        "CREATE INDEX collection_private ON collection (tenant_id) WHERE visibility = 'private'"
    )
