"""The job that makes a version ready, and the upkeep of what it publishes."""

from citewell.core.jobs import JobQueue
from citewell.core.platform import Platform
from citewell.features.documents.service import INGEST_JOB
from citewell.features.identity import service as identity
from citewell.features.ingestion import service


def register(queue: JobQueue) -> None:
    """Tell the queue what ingestion does."""
    queue.register(INGEST_JOB, service.process, service.note_crash)
    queue.register_maintenance(fold_statistics)
    queue.register_maintenance(build_indexes)


async def fold_statistics(platform: Platform) -> None:
    """Bring what was published lately into every tenant's term statistics."""
    for tenant_id in await identity.all_tenants(platform):
        await platform.index.fold_statistics(tenant_id)


async def build_indexes(platform: Platform) -> None:
    """Build the indexes tenants have grown to need; takes minutes for a large one."""
    for tenant_id in await identity.all_tenants(platform):
        await platform.index.build_indexes(tenant_id)
