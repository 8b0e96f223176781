"""The jobs and the recurring work of all features; imported by who queues or does them.

Most commands do neither, and the features behind them take longer to import than such a command
takes in all.
"""

from citewell.core.backups.opening import SCHEDULE, back_up_as_scheduled
from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.core.settings import Settings
from citewell.features.agents import jobs as agents_jobs
from citewell.features.analytics import jobs as analytics_jobs
from citewell.features.conversations import jobs as conversations_jobs
from citewell.features.evaluations import jobs as evaluations_jobs
from citewell.features.events import service as events
from citewell.features.idempotency import service as idempotency
from citewell.features.ingestion import jobs as ingestion_jobs
from citewell.features.mail import jobs as mail_jobs
from citewell.features.queries import jobs as queries_jobs
from citewell.features.trash import jobs as trash_jobs
from citewell.features.webhooks import jobs as webhooks_jobs
from citewell.features.workflows import jobs as workflows_jobs


def register_work(
    queue: JobQueue[Platform], schedules: Schedules[Platform], settings: Settings
) -> None:
    """Have the jobs and the recurring work of all features done."""
    ingestion_jobs.register(queue, schedules)
    trash_jobs.register(schedules)
    queries_jobs.register(schedules)
    conversations_jobs.register(schedules)
    evaluations_jobs.register(queue)
    agents_jobs.register(queue, schedules)
    workflows_jobs.register(queue, schedules)
    webhooks_jobs.register(queue, schedules)
    mail_jobs.register(queue, schedules, settings)
    analytics_jobs.register(schedules)
    schedules.register("idempotency.forget", idempotency.forget_old, every=60)
    schedules.register("events.sweep", events.sweep, every=events.SWEEP_SECONDS)
    if settings.backup_url is not None and settings.backup_hours:
        schedules.register(SCHEDULE, back_up_as_scheduled, every=settings.backup_hours * 3600)
