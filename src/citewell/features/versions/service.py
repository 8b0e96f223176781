"""Listing and comparing the versions of a document, and going back to one of them."""

import uuid

from citewell.access.policy import Verb
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import InvalidInputError
from citewell.core.platform import Platform
from citewell.engine.diffing.texts import first_hunks, unified
from citewell.features.audit import service as audit
from citewell.features.documents import service as documents
from citewell.features.documents.errors import VersionNotFoundError
from citewell.features.documents.schemas import DocumentState
from citewell.features.versions import repository
from citewell.features.versions.errors import (
    TooLargeToCompareError,
    VersionIncompleteError,
    VersionNotFinishedError,
)
from citewell.features.versions.schemas import (
    DiffRead,
    HunkRead,
    VersionPair,
    VersionRead,
    version_read,
)
from citewell.indexes.contract import IncompleteVersionError, index_of
from citewell.indexes.events import VersionKey, VersionRestored
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import DocumentVersion, VersionStatus, has_given_title

MAX_COMPARED_CHARS = 500_000
"""Longest text that is compared: some 200 pages, which take at most two seconds and 150 MiB."""

MAX_LISTED_CHARS = 1_000_000
"""Most removed and added text in one reply; the limit of a reply with a document's content."""

MAX_LISTED_HUNKS = 5_000
"""Most hunks in one reply; serialising them takes the event loop some 20 ms."""


async def page(ctx: Context, document_id: uuid.UUID, request: PageRequest) -> Page[VersionRead]:
    """Versions of a document, newest first.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
    """
    state = await documents.get(ctx, document_id)
    found = await repository.page(ctx.session, document_id, request)
    return Page([_read(state, version) for version in found.items], request, found.total)


async def get(ctx: Context, document_id: uuid.UUID, number: int) -> VersionRead:
    """One version.

    Raises:
        DocumentNotFoundError: There is no such document, or not for this caller.
        VersionNotFoundError: The document has no such version.
    """
    state, version = await documents.readable_version(ctx, document_id, number)
    return _read(state, version)


def _read(state: DocumentState, version: DocumentVersion) -> VersionRead:
    return version_read(version, state.document.active_version_id, is_writable=state.is_writable)


async def compare(
    platform: Platform, caller: Caller, document_id: uuid.UUID, number: int, other: int
) -> DiffRead:
    """The changes from version `number` to version `other`, word by word.

    Raises:
        DocumentNotFoundError: There is no such document, or not for this caller.
        VersionNotFoundError: One of the versions is not there or has no text.
        InvalidInputError: Both are the same version.
        TooLargeToCompareError: A text is longer than is compared.
        BusyError: Too many comparisons are asked for at the moment.
        ComputationLimitError: It took too long.
    """
    # The transaction ends before the comparison, which may take two seconds in a child process.
    texts = await _texts(platform, caller, document_id, number, other)
    found = await platform.compute.run(
        caller.tenant_id, first_hunks, texts.old, texts.new, MAX_LISTED_CHARS, MAX_LISTED_HUNKS
    )
    listed = [
        HunkRead(
            from_start=old_start,
            from_end=old_end,
            to_start=new_start,
            to_end=new_end,
            removed=texts.old[old_start:old_end],
            added=texts.new[new_start:new_end],
        )
        for old_start, old_end, new_start, new_end in found["hunks"]
    ]
    return DiffRead(
        document_id=document_id,
        from_version=number,
        to_version=other,
        from_length=len(texts.old),
        to_length=len(texts.new),
        hunks=listed,
        hunk_count=found["count"],
        is_complete=len(listed) == found["count"],
    )


async def compare_as_text(
    platform: Platform, caller: Caller, document_id: uuid.UUID, number: int, other: int
) -> str:
    """The same as a unified diff of lines; raises as `compare` does."""
    texts = await _texts(platform, caller, document_id, number, other)
    names = (f"{texts.filename} (version {n})" for n in (number, other))
    return await platform.compute.run(caller.tenant_id, unified, texts.old, texts.new, *names)


async def _texts(
    platform: Platform, caller: Caller, document_id: uuid.UUID, number: int, other: int
) -> VersionPair:
    async with unit_of_work(platform, caller) as ctx:
        versions: list[DocumentVersion] = []
        for wanted in (number, other):
            state, version = await documents.readable_version(ctx, document_id, wanted)
            if version.char_count is None:
                raise VersionNotFoundError(f"Version {wanted} has no text: it is {version.status}.")
            if version.char_count > MAX_COMPARED_CHARS:
                raise TooLargeToCompareError(wanted, MAX_COMPARED_CHARS)
            versions.append(version)
        if number == other:
            raise InvalidInputError("Both are the same version; name two different ones.")
        old, new = [await repository.whole_text(ctx.session, each.id) for each in versions]
    return VersionPair(document_id, state.document.filename, number, other, old, new)


async def rollback(ctx: Context, document_id: uuid.UUID, number: int) -> DocumentState:
    """Make an earlier version that was ready the one that answers.

    Nothing is read or embedded again; access rules, metadata and a title that a person gave stay
    as they are. The version that answers already changes nothing.

    Raises:
        DocumentNotFoundError: There is no such document, or not for this caller.
        ForbiddenError: The caller may read the document, but not change it.
        VersionNotFoundError: The document has no such version.
        VersionNotFinishedError: It failed, was cancelled or is still being read.
        VersionIncompleteError: The index has lost some of it.
    """
    document = await documents.resolve(ctx, document_id, Verb.WRITE)
    # All versions, in publishing's order: a version that becomes ready meanwhile waits, and neither
    # side can deadlock the other.
    versions = await repository.lock_versions(ctx.session, document_id)
    wanted = versions.get(number)
    if wanted is None:
        raise VersionNotFoundError(f"The document has no version {number}.")
    if wanted.id == document.active_version_id:
        return await documents.get(ctx, document_id)
    generation = await index_of(ctx.platform).generations.live(ctx)
    if wanted.status != VersionStatus.SUPERSEDED or generation is None:
        raise VersionNotFinishedError(number, wanted.status)
    active = next((v for v in versions.values() if v.id == document.active_version_id), None)
    title = document.title
    # A title that came from the file goes back with the file; one that a person gave stays.
    if not has_given_title(title, document.filename, active.parsed_title if active else None):
        # 500 characters, as `documents.schemas.Title` has them.
        title = (wanted.parsed_title or document.filename)[:500]
    await repository.let_answer(ctx.session, document, wanted, title)
    key = VersionKey(document_id, wanted.id, document.collection_id, document.access_level)
    # The key has the document's access of now: it may have changed while the version did not
    # answer.
    restored = VersionRestored(key, generation.id, wanted.chunk_count or 0)
    try:
        await index_of(ctx.platform).writer.apply(ctx, restored)
    except IncompleteVersionError:
        raise VersionIncompleteError(number) from None
    details = {"from": active.number if active else None, "to": number}
    await audit.record(
        ctx,
        "document.rolled_back",
        object_kind="document",
        object_id=document_id,
        details=details,
    )
    return await documents.get(ctx, document_id)
