"""Index generations that are built beside the live one and take over from it."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add columns, an index and a function; older processes do not look at them."""
    op.execute("ALTER TABLE version_terms ADD COLUMN chunking text")
    op.execute("ALTER TABLE index_generation ADD COLUMN live_since timestamptz")
    op.execute(
        "CREATE UNIQUE INDEX index_generation_building ON index_generation (tenant_id) "
        "WHERE status = 'building'"
    )
    op.execute(
        "CREATE FUNCTION citewell_tenants_to_purge(seconds int) RETURNS SETOF uuid "
        "LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS "
        "$$ SELECT DISTINCT tenant_id FROM index_generation "
        "WHERE status = 'retired' AND updated_at < now() - make_interval(secs => seconds) $$"
    )
