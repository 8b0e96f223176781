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
"""Files whose rows are read at once."""

PASSES = 5
"""How often all files are gone through for what was stored meanwhile under a former key."""


async def keep(ctx: Context, contents: Sequence[tuple[StagedContent, bool]]) -> None:
    """Put contents in their places, each with whether its row is new; the rows are locked.

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
    """Keep a content; its row's id, and whether nobody had it before.

    Raises:
        OSError: The store cannot be written.
    """
    sizes = {content.sha256: content.size_bytes}
    blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
    blob_id, is_new = blobs[content.sha256]
    await keep(ctx, [(content, is_new)])
    return blob_id, is_new


async def remove_unneeded(platform: Platform, caller: Caller, sizes: Mapping[bytes, int]) -> None:
    """Take out of the store what was rolled back, but for what others have put in as well."""
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
    """What became of a tenant's files after it got another key."""

    key_id: uuid.UUID
    files: int = 0
    """Encrypted anew."""
    waiting: int = 0
    """Still under a former key."""
    removed_keys: int = 0
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """Why a file could not be encrypted anew, by its name."""


async def replace_key(platform: Platform, caller: Caller) -> uuid.UUID | None:
    """Give the tenant a new key for its files; its id.

    What is stored from now on is encrypted with it, by all processes; what is there stays readable.
    None if the tenant has none yet, or somebody else exchanges it just now.
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

    Online, and whenever it is killed it can be begun again: a file is replaced in one step, and a
    key goes when nothing is under it. A file that is missing or damaged keeps the former keys. None
    if the tenant has no key, so no file either.

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
    """Ids and hashes of the contents that are not known to be under this key."""
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
    """Encrypt one file anew; False if that was done, or it was removed, or got a newer key."""
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
    """What people call a content; None if it was removed meanwhile."""
    async with unit_of_work(platform, caller) as ctx:
        if not await repository.hold_blob(ctx.session, blob_id):
            return None
        return await repository.filename_of(ctx.session, blob_id) or str(blob_id)
