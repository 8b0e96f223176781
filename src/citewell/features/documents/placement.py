"""Chooses the document for a file: a known one, a new one, or a copy beside a known one."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count

from citewell.access.policy import OF_CONVERSATION, AccessLevel, Verb
from citewell.core.context import Context
from citewell.engine.parsing.cleaning import clean_line
from citewell.features.documents import repository, service
from citewell.features.documents.errors import DocumentNotFoundError
from citewell.features.documents.names import numbered, source_of_copy
from citewell.features.documents.recognition import Recognition, has_better_source, taken_by
from citewell.features.documents.schemas import (
    FilingTarget,
    KnownBy,
    NewFile,
    OnDuplicate,
    StagedFile,
)
from citewell.kit.ids import uuid7
from citewell.models.documents import Document

COPIES_AT_ONCE = 100
"""Candidate names of copies looked up in one statement."""

MAX_TITLE = 500


@dataclass(frozen=True, slots=True)
class Placement:
    """The document chosen for a file; a skipped file only names it."""

    file: StagedFile
    target: FilingTarget
    is_skipped: bool = False
    known_by: KnownBy | None = None
    """None: it is a new document."""
    source: str | None = None
    """A more exact source that the document gets."""


class Shelving:
    """Finds the documents for the files of one unit of work.

    Known documents are locked in the order of their sources, so that two uploads of the same files
    cannot deadlock.
    """

    def __init__(
        self, ctx: Context, collection_id: uuid.UUID, holder_id: uuid.UUID | None = None
    ) -> None:
        self._ctx = ctx
        self._collection_id = collection_id
        self._holder_id = holder_id
        """The document whose attachments are known, whatever the caller may see."""
        self._targets: dict[str, FilingTarget] = {}
        """Documents by the source that was asked for."""
        self._filed_as: dict[str, str] = {}
        """Other sources for new documents, where the one asked for belongs to a hidden document."""
        self._copies: dict[str, int] = {}
        """Highest number of a copy so far, by the source of the first."""
        self._recognition = Recognition(ctx, collection_id)

    async def place(self, files: Sequence[StagedFile]) -> list[Placement]:
        """Where each of the files goes.

        Raises:
            ForbiddenError: A document of its source is there that the caller may read, but not
                change.
        """
        # First of all locks, or two uploads could wait for each other.
        await self._recognition.prepare(files)
        asked = {
            each.new.source: each.new.on_duplicate
            for each in files
            if each.new.source is not None and each.new.on_duplicate is not OnDuplicate.KEEP_BOTH
        }
        known = await repository.known_sources(
            self._ctx.session, self._collection_id, sorted(asked)
        )
        # Sorted: the order of locks that keeps two uploads of the same files from a deadlock.
        for source in sorted(asked.keys() & known):
            await self._take_known(source, asked[source])
        await self._recognition.read(files)
        return [await self._place(each) for each in files]

    async def _take_known(self, source: str, on_duplicate: OnDuplicate) -> None:
        """Lock the document of that source unless it is hidden from the caller.

        A hidden document must neither show by its name being taken nor be overwritten: the caller
        then gets a document of their own, filed under another source.
        """
        access, wanted, number = await self._ctx.access(), source, 1
        while True:
            document = await repository.lock_by_source(
                self._ctx.session, self._collection_id, wanted
            )
            if document is None:
                self._filed_as[source] = wanted
                return
            # Files of a conversation are hidden from the background, which reads their mails.
            is_held = self._holder_id is not None and document.attached_to == self._holder_id
            may_write = is_held or access.allows(Verb.WRITE, service.facts_of(document))
            if may_write or access.allows(Verb.READ, service.facts_of(document)):
                break
            # The caller's own document of this name may meanwhile be hidden from them as well.
            wanted = self._own(source, number)
            number += 1
        if not may_write and on_duplicate is OnDuplicate.VERSION:
            raise taken_by(document)
        newest = await repository.newest_version(self._ctx.session, document.id)
        self._targets[source] = FilingTarget(document, is_new=False, newest=newest)

    def _own(self, source: str, number: int) -> str:
        # The user's id keeps the name apart from a hidden document's; `shown_source` cuts it off
        # again.
        return f"{source}#{self._ctx.actor.user_id}" + (f"#{number}" if number > 1 else "")

    async def _place(self, file: StagedFile) -> Placement:
        source = file.new.source
        if source is None:
            return Placement(file, await self._made(file.new, file.filename, None))
        if file.new.on_duplicate is OnDuplicate.KEEP_BOTH:
            return Placement(file, await self._copy(file, source))
        skips = file.new.on_duplicate is OnDuplicate.SKIP
        # Also two files with one name in one upload: the second becomes a version of the first's
        # document.
        if (target := self._targets.get(source)) is not None:
            return Placement(file, target, skips, "source")
        if (target := await self._recognition.by_name(file)) is not None:
            self._targets[source] = target
            # A hidden document may have the source.
            adopts = source not in self._filed_as and has_better_source(file, target.document)
            return Placement(file, target, skips, "name", source if adopts else None)
        filed_as = self._filed_as.get(source, source)
        target = await self._made(file.new, file.filename, filed_as)
        self._targets[source] = target
        return Placement(file, target)

    async def _copy(self, file: StagedFile, first: str) -> FilingTarget:
        """A new document under the first name that is free among the documents the caller sees."""
        number, source, filed_as = await self._free_copy(file, first)
        self._copies[first] = number
        title = clean_line(file.new.title or "")
        if title and number > 1:
            # Room for the number, whatever it is.
            title = f"{title[: MAX_TITLE - 20]} ({number})"
        target = await self._made(file.new, numbered(file.filename, number), filed_as, title=title)
        self._targets[source] = target
        return target

    async def _free_copy(self, file: StagedFile, first: str) -> tuple[int, str, str]:
        access, ctx = await self._ctx.access(), self._ctx
        least = 2 if self._recognition.is_borne(file.filename) else 1
        for start in count(max(self._copies.get(first, 0) + 1, least), COPIES_AT_ONCE):
            sources = {
                number: source_of_copy(first, file.filename, number)
                for number in range(start, start + COPIES_AT_ONCE)
            }
            there = await repository.known_sources(
                ctx.session, self._collection_id, list(sources.values())
            )
            seen = await repository.known_sources(
                ctx.session, self._collection_id, list(sources.values()), access
            )
            for number, source in sources.items():
                # Taken by another file of this upload, or by a document that the caller sees.
                if source in self._targets or source in seen:
                    continue
                filed_as = source if source not in there else await self._free_own(source)
                if filed_as is not None:
                    return number, source, filed_as
        raise AssertionError("there are more numbers")

    async def _free_own(self, source: str) -> str | None:
        """A free source for a document beside a hidden one; None if the caller sees one there."""
        access = await self._ctx.access()
        for number in count(1):
            own = self._own(source, number)
            there: Collection[str | None] = await repository.known_sources(
                self._ctx.session, self._collection_id, [own]
            )
            if not there:
                return own
            if await repository.known_sources(
                self._ctx.session, self._collection_id, [own], access
            ):
                return None
        raise AssertionError("there are more numbers")

    async def _made(
        self, new: NewFile, filename: str, source: str | None, *, title: str | None = None
    ) -> FilingTarget:
        if new.access_level is not None:
            await service.require_level(self._ctx, new.access_level)
        level = AccessLevel.INTERNAL if new.access_level is None else new.access_level
        if self._ctx.conversation_id == self._collection_id:
            level = OF_CONVERSATION
        document = Document(
            tenant_id=self._ctx.tenant_id,
            id=uuid7(),
            collection_id=self._collection_id,
            title=title or clean_line(new.title or "")[:MAX_TITLE] or filename,
            source=source,
            filename=filename,
            access_level=int(level),
            metadata_=dict(new.metadata or {}),
            created_by=self._ctx.actor.user_id,
        )
        return FilingTarget(document, is_new=True)


async def replaced(ctx: Context, document_id: uuid.UUID, file: StagedFile) -> Placement:
    """The known document that a file is new content of; it takes over the file's name.

    Raises:
        DocumentNotFoundError: There is none, or not for this caller.
        ForbiddenError: The caller may read it, but not change it.
    """
    document = await service.resolve(ctx, document_id, Verb.WRITE)
    newest = await repository.newest_version(ctx.session, document.id)
    if document.filename != file.filename:
        # A title that was the file's name follows it; one that somebody gave stays.
        if document.title == document.filename:
            document.title = file.filename
        document.filename = file.filename
    return Placement(file, FilingTarget(document, is_new=False, newest=newest), known_by="id")


async def attached(
    ctx: Context, document_id: uuid.UUID, files: Sequence[StagedFile]
) -> list[Placement]:
    """The documents of files that are attached to a document.

    The document is locked, behind the outermost one that it belongs to itself: a rule or level set
    there at this moment either finds the new documents or is found by them.

    New ones take over its collection, level, owner and metadata; `repository.copy_grants` gives
    them its rules. Known ones keep what was changed since.

    Raises:
        DocumentNotFoundError: It is not there any more.
    """
    outer_id = await repository.attached_to(ctx.session, document_id)
    if outer_id is not None:
        # First, in the order in which changes of it lock. It may be deleted, and the attachment
        # restored alone; then nothing changes it.
        await repository.hold(ctx.session, outer_id)
    holder = await repository.hold(ctx.session, document_id)
    if holder is None:
        raise DocumentNotFoundError(document_id)
    # Files of an attached mail belong to the outer one: all follow the same rules.
    outermost = holder.attached_to or holder.id
    sources = [each.new.source for each in files if each.new.source is not None]
    await repository.part_from(ctx.session, holder.collection_id, sources, outermost)
    placements = await Shelving(ctx, holder.collection_id, outermost).place(files)
    for each in placements:
        document = each.target.document
        document.attached_to = outermost
        if each.target.is_new:
            document.access_level = holder.access_level
            document.created_by = holder.created_by
            document.metadata_ = dict(holder.metadata_)
    return placements
