"""The job that makes a version ready, and the upkeep of what it publishes."""

from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.features.documents.service import INGEST_JOB
from citewell.features.identity import service as identity
from citewell.features.ingestion import service


def register(queue: JobQueue) -> None:
    """Tell the queue what ingestion does."""
    queue.register(INGEST_JOB, service.process, service.note_crash)
    queue.register_maintenance(keep_index)


async def keep_index(platform: Platform) -> None:
    """Fold term statistics and build the indexes tenants have grown to need."""
    for tenant_id in await identity.all_tenants(platform):
        await platform.index.fold_statistics(tenant_id)
        await platform.index.build_indexes(tenant_id)
