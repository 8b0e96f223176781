"""The job that makes a version ready, and the upkeep of what it publishes."""

from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.features.documents.service import INGEST_JOB
from citewell.features.ingestion import service
from citewell.indexes.contract import index_of


def register(queue: JobQueue[Platform]) -> None:
    """Tell the queue what ingestion does."""
    queue.register(INGEST_JOB, service.process, service.note_crash, service.note_wait)
    queue.register_maintenance(
        "index.statistics", lambda it: index_of(it).maintenance.keep_statistics()
    )
    queue.register_maintenance("index.build", lambda it: index_of(it).maintenance.keep_indexes())
    queue.register_maintenance(
        "index.purge", lambda it: index_of(it).maintenance.purge_generations()
    )
