"""Originals in the store, and the keys they are under."""

import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from citewell.core.blobs.encryption import DamagedFileError, Purpose
from citewell.core.blobs.store import StagedContent
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.documents import repository

BATCH = 200
"""Contents whose rows are read in one statement."""

PASSES = 5
"""Passes over all files; each finds files that uploads in flight stored under the former key."""


async def keep(ctx: Context, contents: Sequence[tuple[StagedContent, bool]]) -> None:
    """Store contents whose rows are locked; each comes with whether its row is new.

    Raises:
        OSError: The store cannot be written.
    """
    put: defaultdict[uuid.UUID, list[bytes]] = defaultdict(list)
    for content, is_new in contents:
        key_id = await ctx.platform.blobs.keep(ctx.session, content, is_new=is_new)
        if key_id is not None:
            put[key_id].append(content.sha256)
    for key_id, hashes in put.items():
        await repository.note_key(ctx.session, hashes, key_id)


async def claim(ctx: Context, content: StagedContent) -> tuple[uuid.UUID, bool]:
    """Store a content; returns its row's id, and whether it is new to the tenant.

    Raises:
        OSError: The store cannot be written.
    """
    sizes = {content.sha256: content.size_bytes}
    blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
    blob_id, is_new = blobs[content.sha256]
    await keep(ctx, [(content, is_new)])
    return blob_id, is_new


async def remove_unneeded(platform: Platform, caller: Caller, sizes: Mapping[bytes, int]) -> None:
    """Remove contents of a rolled back unit of work, unless another one has stored them too."""
    if not sizes:
        return
    remove = await platform.blobs.remover(caller.tenant_id)
    async with unit_of_work(platform, caller) as ctx:
        blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
        unknown = [blob_id for blob_id, is_new in blobs.values() if is_new]
        for sha256 in await repository.remove_unused_blobs(ctx.session, unknown):
            await remove(sha256)


@dataclass(slots=True)
class Exchange:
    """Result of encrypting a tenant's files anew."""

    key_id: uuid.UUID
    files: int = 0
    """Files encrypted anew."""
    waiting: int = 0
    """Files still under a former key."""
    removed_keys: int = 0
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """Why a file could not be encrypted anew, by its name."""


async def replace_key(platform: Platform, caller: Caller) -> uuid.UUID | None:
    """Give the tenant a new key for its files; returns the key's id.

    From now on all processes encrypt with it; existing files stay readable. None if the tenant has
    no key yet, or another process is exchanging it.
    """
    async with unit_of_work(platform, caller) as ctx:
        key = await platform.keys.replace(ctx.session, caller.tenant_id)
        if key is None:
            return None
        await audit.record(ctx, "key.replaced", object_kind="tenant_key", object_id=key.id)
    return key.id


async def reencrypt(
    platform: Platform,
    caller: Caller,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Exchange | None:
    """Encrypt all files of the tenant anew with its active key, then remove its former keys.

    Runs beside normal use and can be killed and repeated: each file is replaced in one step, and a
    key is removed only when no file is under it. A missing or damaged file keeps the former keys.
    None if the tenant has no key, and so no files.

    Args:
        platform: The handles of this process.
        caller: For whom.
        on_progress: Told how many files were looked at, of how many.
    """
    async with unit_of_work(platform, caller) as ctx:
        key = await platform.keys.held(ctx.session, caller.tenant_id, Purpose.FILES)
        if key is None:
            return None
        total = await repository.count_under_others(ctx.session, key.id)
    result = Exchange(key.id)
    for _ in range(PASSES):
        result.failures.clear()
        async for blob_id, sha256 in _under_others(platform, caller, key.id):
            try:
                result.files += await _replace(platform, caller, blob_id, sha256)
            except (DamagedFileError, OSError, AppError) as error:
                name = await _name_of(platform, caller, blob_id)
                if name is not None:
                    result.failures[name] = str(error)
            on_progress(result.files + len(result.failures), total)
        async with unit_of_work(platform, caller) as ctx:
            removed = await platform.keys.remove_retired(ctx.session, caller.tenant_id)
            result.waiting = await repository.count_under_others(ctx.session, key.id)
            if removed:
                await audit.record(ctx, "key.removed", details={"keys": removed})
        result.removed_keys += removed
        if removed or result.waiting <= len(result.failures):
            break
    return result


async def _under_others(
    platform: Platform, caller: Caller, key_id: uuid.UUID
) -> AsyncGenerator[tuple[uuid.UUID, bytes], None]:
    """Ids and hashes of the contents not recorded as encrypted with this key."""
    after = uuid.UUID(int=0)
    while True:
        async with unit_of_work(platform, caller) as ctx:
            rows = await repository.page_under_others(ctx.session, key_id, after, BATCH)
        for row in rows:
            yield row
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


async def _replace(platform: Platform, caller: Caller, blob_id: uuid.UUID, sha256: bytes) -> bool:
    """Encrypt one file anew; False if it needs none, is gone, or has a newer key."""
    async with (
        platform.blobs.resealed(caller.tenant_id, sha256) as (key_id, content),
        unit_of_work(platform, caller) as ctx,
    ):
        if not await repository.hold_blob(ctx.session, blob_id):
            return False
        if content is not None and not await platform.blobs.replace(ctx.session, content):
            return False
        await repository.note_key(ctx.session, [sha256], key_id)
    return content is not None


async def _name_of(platform: Platform, caller: Caller, blob_id: uuid.UUID) -> str | None:
    """The file name people know a content by, else its id; None if it was removed meanwhile."""
    async with unit_of_work(platform, caller) as ctx:
        if not await repository.hold_blob(ctx.session, blob_id):
            return None
        return await repository.filename_of(ctx.session, blob_id) or str(blob_id)
