"""Checks of row-level security, of references to removed objects, and of usage counters."""

from collections.abc import Sequence

from citewell.features.doctor import repository
from citewell.features.doctor.checks import MOST_FAULTS, CheckRun
from citewell.features.doctor.schemas import Fault
from citewell.features.usage import service as usage


async def find_unguarded(run: CheckRun) -> list[Fault]:
    """Tables of tenants whose row-level security is not in force."""
    async with run.unit_of_work() as ctx:
        found = await repository.unguarded(ctx.session)
    return [
        Fault(name, f"table {name} " + ("has no policy" if is_open else "does not enforce it"))
        for name, _, is_open in found
    ]


async def guard(run: CheckRun, faults: Sequence[Fault]) -> None:  # noqa: ARG001 - as others
    """Enforce row-level security again."""
    async with run.platform.database.owner_connection() as connection:
        await repository.guard(connection)


async def find_dangling(run: CheckRun) -> list[Fault]:
    """Grants, memberships and credentials that refer to removed objects."""
    async with run.unit_of_work() as ctx:
        found = await repository.dangling(ctx.session, MOST_FAULTS)
    return [
        Fault(f"{table} {gone}", f"{rows} rows of {table} name {gone}, which is gone")
        for table, gone, rows in found
    ]


async def remove_dangling(run: CheckRun, faults: Sequence[Fault]) -> None:  # noqa: ARG001 - as others
    """Remove the dangling rows."""
    async with run.unit_of_work() as ctx:
        await repository.remove_dangling(ctx.session)


async def find_wrong_usage(run: CheckRun) -> list[Fault]:
    """Usage counters that differ from what the tables hold."""
    async with run.unit_of_work() as ctx:
        if not await usage.differences(ctx):
            return []
    async with run.unit_of_work() as ctx:  # again, with the counters locked
        wrong = await usage.differences(ctx, hold=True)
    return [
        Fault(metric.value, f"{metric}: {counted:,} counted, {there:,} there")
        for metric, (counted, there) in wrong.items()
    ]


async def recount_usage(run: CheckRun, faults: Sequence[Fault]) -> None:  # noqa: ARG001 - as others
    """Set the counters to what the tables hold."""
    async with run.unit_of_work() as ctx:
        await usage.recount(ctx)
