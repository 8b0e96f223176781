"""Recognises files that came in by another way before, by their names."""

import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal
from zlib import crc32

import structlog
from sqlalchemy.exc import SQLAlchemyError

from citewell.access.policy import Scope, Verb
from citewell.core.context import Caller, Context, unit_of_work
from citewell.core.errors import ForbiddenError
from citewell.core.platform import Platform
from citewell.features.collections import service as collections
from citewell.features.documents import repository, service
from citewell.features.documents.schemas import (
    AcceptedDocument,
    FilingTarget,
    OnDuplicate,
    OtherDocument,
    StagedFile,
    shown_source,
)
from citewell.models.documents import Document
from citewell.models.recognition import MOST_OTHERS, WAYS_IN

log = structlog.get_logger(__name__)

_APART = {WAYS_IN["text"], WAYS_IN["given"]}
_BUCKETS = 32
"""Locks of a collection, at most so many for a transaction: one for each name of 1,000 files would
fill a sixth of the lock table of the database, which has 6,400 places by default."""


def is_recognised(file: StagedFile) -> bool:
    """Whether the file may be known by its name, not only by its source."""
    source = file.new.source or ""
    return file.new.attached_to is None and source.partition(":")[0] in WAYS_IN


class Recognition:
    """Finds documents for the files of one unit of work whose sources are not known.

    Two uploads of one name in a collection wait for each other, so that the second finds the
    document of the first. Only what the caller may read is found.
    """

    def __init__(self, ctx: Context, collection_id: uuid.UUID) -> None:
        self._ctx = ctx
        self._collection_id = collection_id
        self._bearers: dict[str, list[Document]] = {}
        self._sources: dict[str, set[str]] = {}
        """Sources of the files by name: several files of one name are none's next version."""

    async def prepare(self, files: Sequence[StagedFile]) -> None:
        """Wait for uploads of the same names; to be called before rows are locked."""
        asked = [each for each in files if is_recognised(each)]
        if not asked:
            return
        marks = {crc32(each.filename.encode()) % _BUCKETS for each in asked}
        keys = [f"document:{self._collection_id}:{mark:02}" for mark in sorted(marks)]
        await repository.serialise(self._ctx.session, keys)

    async def read(self, files: Sequence[StagedFile]) -> None:
        """Look the names of the files up."""
        asked = [each for each in files if is_recognised(each)]
        if not asked:
            return
        session, access = self._ctx.session, await self._ctx.access()
        for each in asked:
            self._sources.setdefault(each.filename, set()).add(each.new.source or "")
        names = sorted(self._sources)
        for document in await repository.bearers(session, access, self._collection_id, names):
            self._bearers.setdefault(document.filename, []).append(document)

    def is_borne(self, filename: str) -> bool:
        """Whether a document that the caller reads has the name."""
        return filename in self._bearers

    async def by_name(self, file: StagedFile) -> FilingTarget | None:
        """The only document of the file's name that came in by another way, locked.

        Raises:
            ForbiddenError: The caller may read it, but not change it.
        """
        source = file.new.source or ""
        if not is_recognised(file) or len(self._sources[file.filename]) > 1:
            return None

        def fits(each: Document) -> bool:
            return _may_be_one(source, each.source or "") and _lies_in(each, file.new.folders)

        fitting = [each for each in self._bearers.get(file.filename, ()) if fits(each)]
        if len(fitting) != 1:
            return None
        access = await self._ctx.access()
        document = await repository.lock(self._ctx.session, fitting[0].id, access)
        # Somebody who held the lock may have renamed or moved it.
        if document is None or document.filename != file.filename or not fits(document):
            return None
        may_write = access.allows(Verb.WRITE, service.facts_of(document))
        if not may_write and file.new.on_duplicate is OnDuplicate.VERSION:
            raise taken_by(document)
        newest = await repository.newest_version(self._ctx.session, document.id)
        return FilingTarget(document, is_new=False, newest=newest)


def taken_by(document: Document) -> ForbiddenError:
    """The refusal of new content for a document that the caller only reads."""
    return ForbiddenError(
        f"A document `{document.filename}` is there already, and you may not change it."
    )


async def with_others(
    platform: Platform, caller: Caller, accepted: Sequence[AcceptedDocument]
) -> list[AcceptedDocument]:
    """The documents that were taken in, new ones with the others that hold the same file."""
    new = [each.id for each in accepted if each.known_by is None]
    others = await others_beside(platform, caller, new)
    return [
        each.model_copy(update={"resembles": others.get(each.id, [])})
        if each.known_by is None
        else each
        for each in accepted
    ]


async def others_beside(
    platform: Platform, caller: Caller, document_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[OtherDocument]]:
    """The same as `others_of`, told beside documents that are taken in already.

    Those stay taken in whatever becomes of it: where the database fails, none are named.
    """
    if not document_ids:
        return {}
    try:
        async with unit_of_work(platform, caller) as ctx:
            return await others_of(ctx, document_ids)
    except SQLAlchemyError as error:
        log.warning("others_not_named", error=type(error).__name__)
        return {}


async def others_of(
    ctx: Context, document_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[OtherDocument]]:
    """Other documents that hold the same file, as far as the caller may read them.

    Those of the same content come first, wherever they are; then the only one in another collection
    that would be the same document in this one: by its path, or by its name if it came in another
    way. Within a collection names are `Recognition`'s, but texts of one title are named. A key that
    only writes is told of none.
    """
    if Scope.READ not in ctx.actor.scopes:
        return {}
    access = await ctx.access()
    found: dict[uuid.UUID, dict[uuid.UUID, tuple[Document, Literal["content", "name"]]]] = {}
    for mine, other in await repository.copies(ctx.session, access, document_ids):
        found.setdefault(mine.id, {})[other.id] = (other, "content")
    for mine, other, bearers in await repository.namesakes(ctx.session, access, document_ids):
        source, known = shown_source(mine) or "", shown_source(other) or ""
        are_texts = _rank(source) == _rank(known) == WAYS_IN["text"]
        if source == known or are_texts or (bearers == 1 and _may_be_one(source, known)):
            found.setdefault(mine.id, {}).setdefault(other.id, (other, "name"))
    held = {other.collection_id for each in found.values() for other, _ in each.values()}
    names = await collections.names_of(ctx, held)
    return {
        document_id: [
            OtherDocument(
                document_id=other.id,
                title=other.title,
                collection_id=other.collection_id,
                collection=names.get(other.collection_id),
                same=same,
            )
            for other, same in list(others.values())[:MOST_OTHERS]
        ]
        for document_id, others in found.items()
    }


def has_better_source(file: StagedFile, document: Document) -> bool:
    """Whether the file's source should become the document's.

    Else another file of its name from another folder would be taken for it next time.
    """
    return _rank(file.new.source or "") > _rank(document.source or "")


def _rank(source: str) -> int:
    return WAYS_IN.get(source.partition(":")[0], -1)


def _may_be_one(source: str, known: str) -> bool:
    """Whether files of one name from these sources may be the same.

    Not two paths, as folders often hold files of one name (`README.md`), and not two texts, or a
    text and what has a source of its own: titles are no names.
    """
    ways = {_rank(source), _rank(known)}
    return ways != _APART and (len(ways) > 1 or WAYS_IN["upload"] in ways)


def _lies_in(document: Document, folders: Sequence[str]) -> bool:
    """Whether a document came from these folders, as far as that is known of it."""
    if not folders:
        return True
    source, path = document.source or "", document.metadata_.get("path")
    if source.startswith("file:"):
        path = source.removeprefix("file:")
    theirs = PurePosixPath(path).parts[:-1] if isinstance(path, str) else ()
    return tuple(theirs[-len(folders) :]) == tuple(folders)
