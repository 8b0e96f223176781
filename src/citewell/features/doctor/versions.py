"""Checks of documents, their versions, jobs, history and texts."""

from collections.abc import Sequence

from citewell.features.doctor import repository
from citewell.features.doctor.checks import MOST_FAULTS, CheckRun
from citewell.features.doctor.repository import FaultyRow
from citewell.features.doctor.schemas import Fault
from citewell.features.documents.service import INGEST_JOB
from citewell.features.ingestion import service as ingestion
from citewell.features.jobs import service as jobs


def _faults(kind: str, found: Sequence[FaultyRow]) -> list[Fault]:
    return [Fault(str(each.id), f"{kind} {each.id} {each.what}", each.id) for each in found]


async def find_wrong_pointers(run: CheckRun) -> list[Fault]:
    """Documents whose active version is not clear."""
    async with run.unit_of_work() as ctx:
        return _faults("document", await repository.wrong_pointers(ctx.session, MOST_FAULTS))


async def correct_pointers(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Make pointer and statuses agree; a version that is lost is read again."""
    for fault in faults:
        assert fault.subject is not None
        async with run.unit_of_work() as ctx:
            lost = await repository.correct_pointer(ctx.session, fault.subject)
            if lost is not None and (job_id := await ingestion.read_again(ctx, lost)):
                run.job_ids.append(job_id)


async def find_stuck(run: CheckRun) -> list[Fault]:
    """Versions that wait for a job that does not exist any more."""
    async with run.unit_of_work() as ctx:
        return _faults("version", await repository.stuck_versions(ctx.session, MOST_FAULTS))


async def queue_again(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Give the versions a job, unless they got one meanwhile."""
    for fault in faults:
        async with run.unit_of_work() as ctx:
            still = await repository.stuck_versions(ctx.session, MOST_FAULTS)
            if fault.subject is None or fault.subject not in {each.id for each in still}:
                continue
            if job_id := await ingestion.read_again(ctx, fault.subject):
                run.job_ids.append(job_id)


async def find_idle_jobs(run: CheckRun) -> list[Fault]:
    """Open jobs whose version is finished, or belongs to another job."""
    async with run.unit_of_work() as ctx:
        found = await repository.jobs_without_work(ctx.session, INGEST_JOB, MOST_FAULTS)
    return _faults("job", found)


async def close_idle_jobs(run: CheckRun, faults: Sequence[Fault]) -> None:
    """End the jobs with the outcome of their versions."""
    ids = [fault.subject for fault in faults if fault.subject is not None]
    async with run.unit_of_work() as ctx:
        await jobs.close_as_versions(ctx, ids)


async def find_idle_entries(run: CheckRun) -> list[Fault]:
    """Entries of the queue whose job is gone; a running worker drops them as well."""
    async with run.unit_of_work() as ctx:
        found = await repository.entries_without_job(
            ctx.session, INGEST_JOB, run.grace, MOST_FAULTS
        )
    return [Fault(str(each.id), each.what) for each in found]


async def drop_idle_entries(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Remove the entries from the queue."""
    async with run.unit_of_work() as ctx:
        for fault in faults:
            await ctx.platform.queue.withdraw(ctx.session, int(fault.key))


async def find_wrong_history(run: CheckRun) -> list[Fault]:
    """Documents whose history disagrees with their pointer."""
    async with run.unit_of_work() as ctx:
        return _faults("document", await repository.wrong_history(ctx.session, MOST_FAULTS))


async def correct_history(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Correct the history so that it ends with the version that answers."""
    for fault in faults:
        assert fault.subject is not None
        async with run.unit_of_work() as ctx:
            await repository.correct_history(ctx.session, fault.subject)


async def find_wrong_texts(run: CheckRun) -> list[Fault]:
    """Finished versions whose extracted text is incomplete."""
    faults: list[Fault] = []
    async for page in run.version_pages():
        async with run.unit_of_work() as ctx:
            faults += _faults("version", await repository.wrong_texts(ctx.session, page))
        if len(faults) >= MOST_FAULTS:
            break
    return faults


async def has_original(run: CheckRun, fault: Fault) -> bool:
    """Whether the original of a version is in the store."""
    assert fault.subject is not None
    async with run.unit_of_work() as ctx:
        blob = await repository.blob_of(ctx.session, fault.subject)
    tenant_id, stored = run.caller.tenant_id, run.platform.blobs
    return blob is not None and await stored.is_kept(tenant_id, blob.sha256, blob.size_bytes)


async def read_again(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Queue versions to be read from their originals again.

    Versions whose original is lost are left as they are, which is better than nothing.
    """
    for fault in faults:
        assert fault.subject is not None
        if await has_original(run, fault):
            async with run.unit_of_work() as ctx:
                if job_id := await ingestion.read_again(ctx, fault.subject):
                    run.job_ids.append(job_id)
