"""Runs of agents and workflows are forgotten, as answers are, and with their user.

Documents are found by who added them, for the person who takes their data along.

An older process works with and without the indexes and functions.
"""

from alembic import op

revision = "0060"
down_revision = "0058"

# The users of runs have no foreign key: a run that is at work ends by itself before it goes.
OLD = """
CREATE FUNCTION citewell_tenants_with_old_{kind}s(usual_days int) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
  $$ SELECT t.id FROM tenant t WHERE EXISTS (
       SELECT FROM {kind} r WHERE r.tenant_id = t.id AND {outermost}
         AND (r.finished_at < now()
                - make_interval(days => greatest(coalesce(t.answer_days, usual_days), 1))
              OR r.finished_at IS NOT NULL AND r.user_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM user_account u WHERE u.tenant_id = t.id AND u.id = r.user_id))) $$
"""

INDEX = "CREATE INDEX {kind}_ended ON {kind} (tenant_id, finished_at) WHERE {alone}"

OUTERMOST = {"agent_run": "parent_call IS NULL", "workflow_run": "parent_id IS NULL"}


def upgrade() -> None:
    """Add an index and a function for each kind of runs."""
    op.execute("CREATE INDEX document_creator ON document (tenant_id, created_by, id)")
    for kind, outermost in OUTERMOST.items():
        op.execute(INDEX.format(kind=kind, alone=outermost))
        op.execute(OLD.format(kind=kind, outermost=f"r.{outermost}"))
