"""Originals in the store, and the keys they are under."""

import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass, field

import structlog

from citewell.core.blobs.encryption import DamagedFileError, DataKey, Purpose
from citewell.core.blobs.store import StagedContent
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import AppError
from citewell.core.platform import Platform
from citewell.features.audit import service as audit
from citewell.features.documents import repository
from citewell.features.documents.errors import UploadTooSlowError
from citewell.kit.ids import uuid7

log = structlog.get_logger(__name__)

CLAIM_SECONDS = 2 * 3600.0
"""Time an upload has to put its contents: 24 times the store's longest request. Files that a killed
upload leaves, and former keys, are kept for as long."""

BATCH = 200
"""Contents whose rows are read in one statement."""

PASSES = 5
"""Passes over all files; a later pass finds files that uploads in flight stored under a former key
during the pass before."""


@dataclass(slots=True)
class Claim:
    """Contents that an upload puts into the store between its two transactions."""

    id: uuid.UUID
    contents: Mapping[bytes, StagedContent]
    """By hash."""
    new: frozenset[bytes] = frozenset()
    """Those that no row knew."""
    key: DataKey | None = None
    """The key that encrypts their files; None without contents."""
    put: set[bytes] = field(default_factory=set[bytes])
    """Those that were not in the store."""
    settled: frozenset[bytes] = frozenset()
    """Those whose versions are registered, once that is committed."""


async def claim_all(ctx: Context, contents: Mapping[bytes, StagedContent]) -> Claim:
    """Claim contents, which protects their files and key from removal once this is committed.

    Rows are locked in the order of hashes, as in every removal, and released with this short
    transaction, so that no connection waits for the store.
    """
    claim = Claim(uuid7(), contents)
    if not contents:
        return claim
    sizes = {sha256: content.size_bytes for sha256, content in contents.items()}
    blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
    new = {sha256: blob_id for sha256, (blob_id, is_new) in blobs.items() if is_new}
    claim.new = frozenset(new)
    claim.key = await ctx.platform.keys.hold(ctx.session, ctx.tenant_id, Purpose.FILES)
    await repository.add_claims(ctx.session, claim.id, sizes, claim.key.id, CLAIM_SECONDS)
    # A row means that the content is stored and counted, and neither is true yet. Making it and
    # deleting it again has locked the name.
    await repository.forget_blobs(ctx.session, new.values())
    return claim


async def put_all(platform: Platform, claim: Claim) -> None:
    """Put the claimed contents in their places, outside any transaction.

    Known ones too, so that a file the store has lost comes back with its next upload.

    Raises:
        OSError: The store cannot be written.
    """
    if claim.key is None:
        return
    for sha256, content in claim.contents.items():
        if await platform.blobs.put(content, claim.key, is_new=sha256 in claim.new):
            claim.put.add(sha256)


async def register(ctx: Context, claim: Claim) -> dict[bytes, tuple[uuid.UUID, bool]]:
    """Make rows of contents that are put; by hash their ids, and whether they are new.

    New ones are the caller's to count. The claim goes on: no version needs them yet.
    """
    sizes = {sha256: each.size_bytes for sha256, each in claim.contents.items()}
    rows = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
    if claim.key is not None and claim.put:
        await repository.note_key(ctx.session, sorted(claim.put), claim.key.id)
    return rows


async def settle(ctx: Context, claim: Claim, hashes: Collection[bytes]) -> None:
    """End the claim of contents whose rows are locked and will be committed with their versions.

    Raises:
        UploadTooSlowError: They may have been removed meanwhile; roll the unit of work back.
    """
    if hashes and await repository.remove_claims(ctx.session, claim.id, hashes) < len(hashes):
        raise UploadTooSlowError
    if claim.key is not None and (put := claim.put.intersection(hashes)):
        await repository.note_key(ctx.session, sorted(put), claim.key.id)
    claim.settled = frozenset(hashes)


async def abandon(platform: Platform, caller: Caller, claim: Claim) -> None:
    """Remove contents from the store that were put but not registered, unless others need them."""
    rest = {
        sha: each.size_bytes for sha, each in claim.contents.items() if sha not in claim.settled
    }
    await remove_unneeded(platform, caller, rest, claim.id)


async def expire(platform: Platform, caller: Caller, claim: Claim) -> None:
    """Leave the put contents to upkeep: the store has failed, and the caller should not wait."""
    async with unit_of_work(platform, caller) as ctx:
        await repository.expire_claims(ctx.session, claim.id)


async def sweep_claims(platform: Platform, caller: Caller) -> None:
    """Remove contents claimed by uploads that failed or were killed, one batch per call."""
    async with unit_of_work(platform, caller) as ctx:
        found = await repository.expired_claims(ctx.session, BATCH)
    uploads: defaultdict[uuid.UUID, dict[bytes, int]] = defaultdict(dict)
    for each in found:
        uploads[each.id][bytes(each.sha256)] = each.size_bytes
    for claim_id, sizes in uploads.items():
        await remove_unneeded(platform, caller, sizes, claim_id)


async def remove_unneeded(
    platform: Platform,
    caller: Caller,
    sizes: Mapping[bytes, int],
    claim_id: uuid.UUID | None = None,
) -> None:
    """Remove the contents of an upload that was rolled back from the store, and end its claim.

    Files are removed while their names are locked, and only if no row and no other claim needs
    them. There is no time-out: a removal given up here could still take effect later, and hit the
    same file put by another upload. If the store refuses, the claim stays for upkeep.
    """
    if not sizes:
        return
    remove = await platform.blobs.remover(caller.tenant_id)
    try:
        async with unit_of_work(platform, caller) as ctx:
            blobs = await repository.claim_blobs(ctx.session, ctx.tenant_id, sizes)
            if claim_id is not None:
                await repository.remove_claims(ctx.session, claim_id, sizes)
            new = {sha256: blob_id for sha256, (blob_id, is_new) in blobs.items() if is_new}
            known = [blob_id for blob_id, is_new in blobs.values() if not is_new]
            await repository.forget_blobs(ctx.session, new.values())
            await repository.release_unused(ctx.session, known)
            # Asked while the names are locked: another upload may have claimed the same content
            # since.
            for sha256 in new.keys() - await repository.claimed(ctx.session, new):
                await remove(sha256)
    except OSError as error:
        log.warning("upload_not_removed", reason=type(error).__name__)


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
        caller: Acts for the tenant.
        on_progress: Called with the number of files handled and their total.
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
            # Removes nothing while any content is recorded under a former key, so a key that goes
            # is needed by no file.
            removed = await platform.keys.remove_retired(ctx.session, caller.tenant_id)
            result.waiting = await repository.count_under_others(ctx.session, key.id)
            if removed:
                await audit.record(ctx, "key.removed", details={"keys": removed})
        result.removed_keys += removed
        # Another pass is of use only if more waits than what cannot be read.
        if removed or result.waiting <= len(result.failures):
            break
    return result


async def _under_others(
    platform: Platform, caller: Caller, key_id: uuid.UUID
) -> AsyncGenerator[tuple[uuid.UUID, bytes], None]:
    """Ids and hashes of the contents not recorded as encrypted with this key."""
    # By id: a file that fails is passed over once per pass instead of being met for ever.
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
        # Encrypted before the lock, which is held for the replacement only; the content may be gone
        # by now.
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
