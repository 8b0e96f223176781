"""Checks of stored files against the rows that say what there is."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio

from citewell.core.blobs.encryption import DamagedFileError
from citewell.features.doctor import repository
from citewell.features.doctor.checks import MOST_FAULTS, CheckRun
from citewell.features.doctor.repository import BlobFacts
from citewell.features.doctor.schemas import Fault
from citewell.features.usage import service as usage
from citewell.features.usage.service import Metric
from citewell.kit.clock import utc_now

# Rows of contents read by one statement.
BLOB_PAGE = 1000
READ_SIZE = 1024 * 1024
# Files removed while their rows are locked by one transaction, which keeps it short.
REMOVED_TOGETHER = 100


async def _blobs(run: CheckRun) -> AsyncIterator[BlobFacts]:
    last = None
    while True:
        async with run.unit_of_work() as ctx:
            page = await repository.blobs(ctx.session, last, BLOB_PAGE)
        for blob in page:
            yield blob
        if len(page) < BLOB_PAGE:
            return
        last = page[-1].id


async def find_lost(run: CheckRun) -> list[Fault]:
    """Originals whose file is missing or damaged."""
    faults: list[Fault] = []
    async for blob in _blobs(run):
        if await _state_of(run, blob) is None:
            continue
        async with run.unit_of_work() as ctx:  # again, under the lock of uploads and removals
            held = await repository.hold_blob(ctx.session, blob.id)
            state = await _state_of(run, held[0]) if held else None
        if held is not None and state is not None:
            what = f"the original of {held[1]} {state}: upload the file again"
            faults.append(Fault(str(blob.id), what, blob.id))
        if len(faults) >= MOST_FAULTS:
            break
    return faults


async def _state_of(run: CheckRun, blob: BlobFacts) -> str | None:
    """Description of a file's fault; None if none was found at the chosen depth."""
    store, tenant_id = run.platform.blobs, run.caller.tenant_id
    if not await store.is_kept(tenant_id, blob.sha256, blob.size_bytes):
        return "is missing or cut off"
    if not run.is_deep:
        return None
    try:
        async with store.local_file(tenant_id, blob.sha256) as path:
            is_right = await anyio.to_thread.run_sync(_sha256, path) == blob.sha256
    except FileNotFoundError:
        return "is missing or cut off"
    except DamagedFileError:
        is_right = False
    return None if is_right else "is damaged"


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while part := source.read(READ_SIZE):
            digest.update(part)
    return digest.digest()


async def find_unused_rows(run: CheckRun) -> list[Fault]:
    """Contents that no version has."""
    async with run.unit_of_work() as ctx:
        found = await repository.unused_blobs(ctx.session, run.grace, MOST_FAULTS)
    return [Fault(str(each.id), each.what, each.id) for each in found]


async def remove_unused_rows(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Remove the contents with their files, and release their bytes."""
    remove = await run.platform.blobs.remover(run.caller.tenant_id)
    ids = [fault.subject for fault in faults if fault.subject is not None]
    for start in range(0, len(ids), REMOVED_TOGETHER):
        async with run.unit_of_work() as ctx:
            page = ids[start : start + REMOVED_TOGETHER]
            sizes = await repository.remove_unused_blobs(ctx.session, page)
            for sha256 in sizes:
                await remove(sha256)
            await usage.release(ctx, Metric.STORED_BYTES, sum(sizes.values()))


async def find_unknown(run: CheckRun) -> list[Fault]:
    """Files of the store without a row; young ones may be about to be registered.

    Keeps the names of all the tenant's files in memory, 200 bytes each.
    """
    name_of = await run.platform.blobs.namer(run.caller.tenant_id)
    async with run.unit_of_work() as ctx:
        known = {name_of(sha256) for sha256 in await repository.hashes(ctx.session)}
    faults: list[Fault] = []
    youngest = utc_now() - run.grace
    async for file in run.platform.blobs.kept_files(run.caller.tenant_id):
        # An upload stores its file before the row, so a young file without one is normal.
        if file.name not in known and file.stored_at <= youngest:
            faults.append(Fault(file.name, f"nothing knows the stored file {file.name}"))
        if len(faults) >= MOST_FAULTS:
            break
    return faults


async def remove_unknown(run: CheckRun, faults: Sequence[Fault]) -> None:
    """Remove the files, with registration blocked; files registered meanwhile stay."""
    name_of = await run.platform.blobs.namer(run.caller.tenant_id)
    for start in range(0, len(faults), REMOVED_TOGETHER):
        async with run.unit_of_work() as ctx:
            await repository.hold_registration(ctx.session)
            known = {name_of(sha256) for sha256 in await repository.hashes(ctx.session)}
            for fault in faults[start : start + REMOVED_TOGETHER]:
                if fault.key not in known:
                    await run.platform.blobs.remove(fault.key)
