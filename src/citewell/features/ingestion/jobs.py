"""The job that makes a version ready, and the upkeep of what it publishes."""

from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.features.documents.service import INGEST_JOB
from citewell.features.ingestion import service


def register(queue: JobQueue[Platform]) -> None:
    """Tell the queue what ingestion does."""
    queue.register(INGEST_JOB, service.process, service.note_crash, service.note_wait)
    queue.register_maintenance(lambda platform: platform.index.keep_statistics())
    queue.register_maintenance(lambda platform: platform.index.keep_indexes())
    queue.register_maintenance(lambda platform: platform.index.purge_generations())
