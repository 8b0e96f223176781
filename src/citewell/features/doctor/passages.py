"""Checks of the index: passages, vectors, terms, statistics, HNSW."""

import uuid
from collections.abc import Awaitable, Callable, Sequence

from citewell.features.doctor import repository, versions
from citewell.features.doctor.checks import MOST_FAULTS, CheckRun, faults_of_versions, pages_of
from citewell.features.doctor.schemas import Fault
from citewell.indexes.contract import Doctor, GenerationFacts, UnitOfWork, VersionFault, index_of
from citewell.indexes.events import VersionDiscarded

Look = Callable[[UnitOfWork, GenerationFacts, Sequence[uuid.UUID]], Awaitable[list[VersionFault]]]


async def _each_version(run: CheckRun, look: Look) -> list[Fault]:
    """Faults found in any generation, by version."""
    faults: dict[str, Fault] = {}
    generations = await run.generations()
    async for page in run.version_pages():
        for generation in generations:
            async with run.unit_of_work() as ctx:
                found = await look(ctx, generation, page)
            for fault in faults_of_versions(found):
                faults.setdefault(fault.key, fault)
        if len(faults) >= MOST_FAULTS:
            break
    return list(faults.values())


def _doctor(run: CheckRun) -> Doctor:
    return index_of(run.platform).doctor


async def find_misplaced(run: CheckRun) -> list[Fault]:
    """Passages whose visibility or access differs from that of their document."""
    return await _each_version(run, _doctor(run).misplaced)


async def put_in_place(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Copy visibility and access from the documents."""
    for generation in await run.generations():
        for page in pages_of(run, faults):
            async with run.unit_of_work() as ctx:
                await _doctor(run).put_in_place(ctx, generation, page)


async def find_incomplete(run: CheckRun) -> list[Fault]:
    """Finished versions that lack passages, or have too many."""
    return await _each_version(run, _doctor(run).incomplete)


async def find_broken(run: CheckRun) -> list[Fault]:
    """Finished versions with passages whose vector or place in the text cannot be right."""
    return await _each_version(run, _doctor(run).broken)


async def replace_broken(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Remove such passages where the original exists, and queue the versions to be read again.

    All are removed first, because a version that is read again reuses vectors of its document.
    """
    mendable = [fault for fault in faults if await versions.has_original(run, fault)]
    for generation in await run.generations():
        for page in pages_of(run, mendable):
            async with run.unit_of_work() as ctx:
                await _doctor(run).remove_broken(ctx, generation, page)
    await versions.read_again(run, mendable)


async def find_strays(run: CheckRun) -> list[Fault]:
    """Cancelled versions that have passages."""
    faults: list[Fault] = []
    async for page in run.version_pages():
        async with run.unit_of_work() as ctx:
            faults += faults_of_versions(await _doctor(run).strays(ctx, page))
    return faults


async def discard_strays(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Remove the passages, unless the version was queued again meanwhile."""
    for fault in faults:
        assert fault.subject is not None
        async with run.unit_of_work() as ctx:
            if await repository.is_cancelled(ctx.session, fault.subject):
                await index_of(run.platform).writer.apply(ctx, VersionDiscarded(fault.subject))


async def find_miscounted(run: CheckRun) -> list[Fault]:
    """Versions whose terms are not those of their passages."""
    return await _each_version(run, _doctor(run).miscounted)


async def recount(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Compute the terms anew; the statistics follow."""
    for generation in await run.generations():
        for page in pages_of(run, faults):
            async with run.unit_of_work() as ctx:
                await _doctor(run).recount(ctx, generation, page)


async def find_wrong_statistics(run: CheckRun) -> list[Fault]:
    """Generations whose term statistics are not the sum over the versions that answer."""
    faults: list[Fault] = []
    for generation in await run.generations():
        async with run.unit_of_work() as ctx:
            terms, chunks = await _doctor(run).wrong_statistics(ctx, generation)
        if terms or chunks:
            what = f"generation {generation.id}: {terms} terms have a wrong frequency"
            what += f", {abs(chunks)} passages too {'few' if chunks > 0 else 'many'} are counted"
            faults.append(Fault(str(generation.id), what))
    return faults


async def rebuild_statistics(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Rebuild the statistics, while documents go on being published."""
    wrong = {fault.key for fault in faults}
    for generation in await run.generations():
        if str(generation.id) in wrong:
            async with run.unit_of_work() as ctx:
                await _doctor(run).rebuild_statistics(ctx, generation)


async def find_missing_indexes(run: CheckRun) -> list[Fault]:
    """HNSW indexes of large libraries that are missing, or were left half built."""
    async with run.unit_of_work() as ctx:
        missing = await _doctor(run).missing_indexes(ctx)
    return [Fault(name, f"{name} are missing or unfinished") for name in missing]


async def build_indexes(run: CheckRun, faults: Sequence[Fault]) -> None:  # noqa: ARG001 - as others
    """Build the indexes, which takes minutes for a large library."""
    await index_of(run.platform).maintenance.build_indexes(run.caller.tenant_id)
