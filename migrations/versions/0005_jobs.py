"""Attempts of jobs that were begun anew; indexes to list jobs and to take turns in the queue."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column and the indexes; older processes do not look at them."""
    op.execute("ALTER TABLE job ADD COLUMN attempts_before int NOT NULL DEFAULT 0")
    op.execute("CREATE INDEX job_document ON job (tenant_id, document_id)")
    op.execute(
        "CREATE INDEX citewell_queue_turn ON procrastinate_jobs ((args ->> 'tenant_id'), priority) "
        "WHERE status IN ('todo', 'doing')"
    )
