"""Recurring work of webhooks: jobs for what is due, owners who left, and logs that end."""

from citewell.core.context import SYSTEM, Caller, unit_of_work
from citewell.core.platform import Platform
from citewell.features.jobs import service as jobs
from citewell.features.jobs.schemas import NewJob
from citewell.features.webhooks import repository, service
from citewell.features.webhooks.schemas import LogLimits
from citewell.features.webhooks.sending import DELIVER, OWNER_ENDED

FORGOTTEN_AT_ONCE = 10_000
"""Events deleted in one transaction: some tens of milliseconds."""


async def queue_due(platform: Platform) -> None:
    """Queue a job for each webhook that has something to tell and does not rest."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_due(session)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            for webhook_id in await repository.to_queue(ctx.session):
                [job] = await jobs.enqueue(ctx, DELIVER, [NewJob()])
                await repository.note_job(ctx.session, webhook_id, job.id)


async def turn_off_ended(platform: Platform) -> None:
    """Turn off the webhooks of owners who may have none any more: nothing is noted for them."""
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_ended(session)
    for tenant_id in tenants:
        async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
            for webhook_id in await repository.ended(ctx.session):
                await service.turn_off(ctx, webhook_id, OWNER_ENDED)


async def forget_old(platform: Platform) -> None:
    """Delete what is beyond the limits of the log."""
    limits = platform.state_of(LogLimits)
    async with platform.database.lookup() as session:
        tenants = await repository.tenants_with_full(session, limits)
    for tenant_id in tenants:
        gone = FORGOTTEN_AT_ONCE
        while gone == FORGOTTEN_AT_ONCE:
            async with unit_of_work(platform, Caller(tenant_id, SYSTEM)) as ctx:
                gone = await repository.forget(ctx.session, limits, FORGOTTEN_AT_ONCE)
