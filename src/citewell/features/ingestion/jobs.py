"""The job that makes a version ready, and the recurring upkeep of the index."""

from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.core.schedules import Schedules
from citewell.features.documents.service import INGEST_JOB
from citewell.features.ingestion import service
from citewell.indexes.contract import index_of


def register(queue: JobQueue[Platform], schedules: Schedules[Platform]) -> None:
    """Tell the queue what ingestion does, and the schedules how the index is kept up."""
    queue.register(INGEST_JOB, service.process, service.note_crash, service.note_wait)
    schedules.register(
        # Statistics soon, as they weigh the terms of new documents; index builds and purges are
        # work of minutes and can wait.
        "index.statistics",
        lambda it: index_of(it).maintenance.keep_statistics(),
        every=3,
    )
    schedules.register("index.build", lambda it: index_of(it).maintenance.keep_indexes(), every=10)
    schedules.register(
        "index.purge", lambda it: index_of(it).maintenance.purge_generations(), every=20
    )
