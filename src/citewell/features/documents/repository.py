"""Statements of documents."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CursorResult,
    Row,
    Select,
    TextClause,
    and_,
    delete,
    false,
    func,
    inspect,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from citewell.access.policy import Access, DocumentFacts, Verb
from citewell.access.statements import reach_sql
from citewell.engine.text.normalisation import unmarked_pattern
from citewell.features.documents.schemas import DocumentQuery, DocumentState, VersionProgress
from citewell.kit.ids import uuid7
from citewell.kit.pagination import Page, PageRequest
from citewell.models.documents import (
    Blob,
    BlobClaim,
    Document,
    DocumentText,
    DocumentVersion,
    lies_in,
    named,
)
from citewell.models.recognition import bearing, same_content, same_name
from citewell.models.states import states_sql

_PROGRESS = text("""
SELECT v.id, v.status, v.chunk_count, v.page_count, v.error_detail, v.warnings, j.status, j.stage,
  j.done, j.total
FROM document_version v
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
LEFT JOIN LATERAL (
  SELECT status, stage, done, total FROM job
  WHERE tenant_id = v.tenant_id AND version_id = v.id ORDER BY created_at DESC LIMIT 1
) AS j ON true
WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[]))
""")


def within(access: Access, *verbs: Verb) -> TextClause:
    """Predicate on `document`: those on which all the verbs are allowed."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for verb in verbs:
        # A prefix for each verb: both bind values of the same names.
        predicate, bound = reach_sql(
            access.reaches[verb], table="document", document_column="id", prefix=verb.value
        )
        parts.append(predicate)
        values |= bound
    return text(" AND ".join(parts)).bindparams(**values)


_IS_NEW = literal_column("(blob.xmax = 0)", Boolean)
"""Whether an upsert inserted the row: xmax of an existing one holds the locking transaction."""


async def claim_blobs(
    session: AsyncSession, tenant_id: uuid.UUID, sizes: Mapping[bytes, int]
) -> dict[bytes, tuple[uuid.UUID, bool]]:
    """The ids of contents by hash, and whether they are new.

    Their rows are locked, so that no sweep removes the files meanwhile.
    """
    if not sizes:
        return {}
    # In the order of hashes, in which uploads and removals lock contents.
    values = [
        {"tenant_id": tenant_id, "id": uuid7(), "sha256": sha256, "size_bytes": sizes[sha256]}
        for sha256 in sorted(sizes)
    ]
    statement = insert(Blob)
    statement = statement.on_conflict_do_update(
        # Not a column of a key: the lock must not wait for versions that refer to the row.
        index_elements=["tenant_id", "sha256"],
        set_={"size_bytes": statement.excluded.size_bytes},
    )
    rows = await session.execute(statement.returning(Blob.sha256, Blob.id, _IS_NEW), values)
    return {bytes(sha256): (blob_id, is_new) for sha256, blob_id, is_new in rows}


async def known_sources(
    session: AsyncSession,
    collection_id: uuid.UUID,
    sources: Sequence[str],
    access: Access | None = None,
) -> set[str | None]:
    """Those of the sources that belong to a document of the collection, within the access given."""
    statement = select(Document.source).where(
        Document.collection_id == collection_id,
        Document.source.in_(sources),
        Document.deleted_at.is_(None),
    )
    if access is not None:
        statement = statement.where(within(access, Verb.READ))
    return set(await session.scalars(statement))


async def lock_by_source(
    session: AsyncSession, collection_id: uuid.UUID, source: str
) -> Document | None:
    """The document with this source, locked until the end of the transaction."""
    return await session.scalar(
        select(Document)
        .where(
            Document.collection_id == collection_id,
            Document.source == source,
            Document.deleted_at.is_(None),
        )
        .with_for_update()
    )


_SERIALISE = text("""
SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(CAST(:keys AS text[])) AS key
""")


async def serialise(session: AsyncSession, keys: Sequence[str]) -> None:
    """Wait for other transactions with one of these keys, in this order, and keep them waiting."""
    await session.execute(_SERIALISE, {"keys": list(keys)})


async def bearers(
    session: AsyncSession, access: Access, collection_id: uuid.UUID, names: Sequence[str]
) -> list[Document]:
    """Readable documents of a collection that a file of one of these names may be known as."""
    statement = bearing(collection_id, names).where(within(access, Verb.READ))
    return list(await session.scalars(statement))


async def copies(
    session: AsyncSession, access: Access, ids: Sequence[uuid.UUID]
) -> list[tuple[Document, Document]]:
    """Each of the documents with readable ones of the same content."""
    rows = await session.execute(same_content(ids, within(access, Verb.READ)))
    return [(row[0], row[1]) for row in rows]


async def namesakes(
    session: AsyncSession, access: Access, ids: Sequence[uuid.UUID]
) -> list[tuple[Document, Document, int]]:
    """Each of the documents with readable ones of its name, and how many its collection has."""
    rows = await session.execute(same_name(ids, within(access, Verb.READ)))
    return [(row[0], row[1], row[2]) for row in rows]


async def taken_from(
    session: AsyncSession, access: Access, collection_id: uuid.UUID, beginnings: Sequence[str]
) -> list[Document]:
    """Readable documents of a collection whose sources begin so, in their order."""
    begins = [Document.source.startswith(each, autoescape=True) for each in beginnings]
    statement = select(Document).where(
        Document.collection_id == collection_id, or_(false(), *begins)
    )
    statement = statement.where(within(access, Verb.READ)).order_by(Document.source)
    return list(await session.scalars(statement))


async def add_documents(session: AsyncSession, documents: Sequence[Document]) -> set[uuid.UUID]:
    """Insert documents except those whose source was taken meanwhile; returns the inserted ids."""
    if not documents:
        return set()
    values = [
        {
            "tenant_id": document.tenant_id,
            "id": document.id,
            "collection_id": document.collection_id,
            "title": document.title,
            "source": document.source,
            "filename": document.filename,
            "access_level": document.access_level,
            "metadata_": document.metadata_,
            "created_by": document.created_by,
            "attached_to": document.attached_to,
        }
        for document in documents
    ]
    statement = insert(Document).on_conflict_do_nothing().returning(Document.id)
    return set(await session.scalars(statement, values))


async def hold(session: AsyncSession, document_id: uuid.UUID) -> Document | None:
    """A document, locked until the end of the transaction, whoever asks for it."""
    return await session.scalar(
        select(Document).where(Document.id == document_id).with_for_update()
    )


async def attached_to(session: AsyncSession, document_id: uuid.UUID) -> uuid.UUID | None:
    """The outermost document that a document was attached to; it never changes."""
    return await session.scalar(select(Document.attached_to).where(Document.id == document_id))


async def part_from(
    session: AsyncSession,
    collection_id: uuid.UUID,
    sources: Sequence[str],
    document_id: uuid.UUID,
) -> None:
    """Take the sources from attachments of other documents, which outlived theirs.

    Another mail of the same name must not become their next version: they have other rights.
    """
    await session.execute(
        update(Document)
        .where(
            Document.collection_id == collection_id,
            Document.source.in_(sources),
            Document.attached_to.is_not(None),
            Document.attached_to != document_id,
        )
        .values(source=None)
    )


async def hold_attached(session: AsyncSession, document_id: uuid.UUID) -> list[Document]:
    """The documents attached to a locked one, locked too.

    In the order of ids: the one they belong to is locked before, so no two callers meet here.
    """
    found = await session.scalars(
        select(Document)
        .where(Document.attached_to == document_id)
        .order_by(Document.id)
        .with_for_update()
    )
    return list(found)


async def attached_versions(
    session: AsyncSession, document_ids: Sequence[uuid.UUID], access: Access
) -> list[tuple[Document, DocumentVersion]]:
    """Readable documents attached to the given ones, each with its newest version."""
    rows = await session.execute(
        states_sql().where(Document.attached_to.in_(document_ids), within(access, Verb.READ))
    )
    return [(row[0], row[1]) for row in rows]


_COPY_GRANTS = text("""
INSERT INTO document_grant (tenant_id, id, document_id, user_id, group_id, effect, created_by)
SELECT g.tenant_id, gen_random_uuid(), d.id, g.user_id, g.group_id, g.effect, g.created_by
FROM document_grant g CROSS JOIN unnest(CAST(:document_ids AS uuid[])) AS d(id)
WHERE g.tenant_id = :tenant_id AND g.document_id = :source_id
ON CONFLICT DO NOTHING
""")


async def copy_grants(
    session: AsyncSession, source_id: uuid.UUID, document_ids: Sequence[uuid.UUID]
) -> None:
    """Give documents the rules of another one, which is locked."""
    await session.execute(
        _COPY_GRANTS,
        {
            "tenant_id": session.info["tenant_id"],
            "source_id": source_id,
            "document_ids": list(document_ids),
        },
    )


async def newest_version(session: AsyncSession, document_id: uuid.UUID) -> DocumentVersion | None:
    """The version with the highest number."""
    return await session.scalar(
        select(DocumentVersion)
        .where(DocumentVersion.document_id == document_id)
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    )


async def version_by_number(
    session: AsyncSession, document_id: uuid.UUID, number: int
) -> DocumentVersion | None:
    """One version of a document."""
    return await session.scalar(
        select(DocumentVersion).where(
            DocumentVersion.document_id == document_id, DocumentVersion.number == number
        )
    )


_PATH = Document.metadata_["path"].astext


def _state(row: Row[Document, DocumentVersion, DocumentVersion], access: Access) -> DocumentState:
    document: Document = row[0]
    facts = DocumentFacts(
        document.id, document.collection_id, document.access_level, document.created_by
    )
    return DocumentState(document, row[1], row[2], access.allows(Verb.WRITE, facts))


async def state(
    session: AsyncSession, document_id: uuid.UUID, access: Access
) -> DocumentState | None:
    """A document the caller may read."""
    rows = await session.execute(
        states_sql().where(Document.id == document_id, within(access, Verb.READ))
    )
    row = rows.one_or_none()
    return _state(row, access) if row else None


async def states(
    session: AsyncSession, ids: Sequence[uuid.UUID], access: Access
) -> list[DocumentState]:
    """Those of the documents that the caller may read."""
    rows = await session.execute(
        states_sql().where(Document.id.in_(ids), within(access, Verb.READ))
    )
    return [_state(row, access) for row in rows]


async def progress(
    session: AsyncSession, version_ids: Sequence[uuid.UUID]
) -> list[VersionProgress]:
    """State and progress of versions, each with its latest job."""
    rows = await session.execute(
        _PROGRESS, {"tenant_id": session.info["tenant_id"], "version_ids": list(version_ids)}
    )
    return [VersionProgress(*row) for row in rows]


def _wanted(access: Access, wanted: DocumentQuery) -> Select[uuid.UUID]:
    """Ids of the documents that a list shows."""
    statement = select(Document.id).where(within(access, Verb.READ))
    if wanted.collection_id is not None:
        statement = statement.where(Document.collection_id == wanted.collection_id)
    if wanted.attached_to is not None or wanted.is_outermost:
        statement = statement.where(Document.attached_to == wanted.attached_to)
    if wanted.status is not None:
        # One anti-join of the versions, not a look-up for each document.
        later = aliased(DocumentVersion)
        is_older = select(later).where(
            later.tenant_id == DocumentVersion.tenant_id,
            later.document_id == DocumentVersion.document_id,
            later.number > DocumentVersion.number,
        )
        of_status = select(DocumentVersion.document_id).where(
            DocumentVersion.status == wanted.status, ~is_older.exists()
        )
        statement = statement.where(Document.id.in_(of_status))
    if wanted.level is not None:
        statement = statement.where(Document.access_level == int(wanted.level))
    if wanted.label is not None:
        statement = statement.where(Document.metadata_.contains({"labels": [wanted.label]}))
    # Escaped: `%` and `_` are characters of titles and names.
    if wanted.folder is not None:
        statement = statement.where(lies_in(wanted.folder))
    if wanted.suffix is not None:
        # Letters and digits only.
        statement = statement.where(Document.filename.iendswith(f".{wanted.suffix}"))
    if wanted.search:
        statement = statement.where(or_(*_holding(wanted.search)))
    return statement


def _holding(wanted: str) -> Iterator[ColumnElement[bool]]:
    """Title or file name has the text, with other diacritics where it is typed without any."""
    pattern = unmarked_pattern(wanted)
    for name in (Document.title, Document.filename):
        yield name.icontains(wanted, autoescape=True)
        if pattern is not None:
            # Plain names, which are compared already, are told from others by their length alone.
            has_marks = func.octet_length(name) > func.char_length(name)
            yield and_(has_marks, name.regexp_match(pattern))


async def page(
    session: AsyncSession, access: Access, wanted: DocumentQuery, request: PageRequest
) -> Page[DocumentState]:
    """Documents the caller may read, newest first."""
    statement = _wanted(access, wanted)
    total = await session.scalar(select(func.count()).select_from(statement.subquery()))
    # Ids first: joining the versions of a hundred thousand documents takes seconds.
    ids = await session.scalars(
        statement.order_by(Document.id.desc()).offset(request.offset).limit(request.limit)
    )
    shown = {each.document.id: each for each in await states(session, list(ids), access)}
    items = sorted(shown.values(), key=lambda each: each.document.id, reverse=True)
    return Page(items, request, total or 0)


async def folders(
    session: AsyncSession, access: Access, wanted: DocumentQuery, request: PageRequest
) -> Page[tuple[str, int]]:
    """Names of the folders in `wanted.folder` (None: at the top), each with its documents."""
    rest = _PATH if wanted.folder is None else func.substr(_PATH, len(wanted.folder) + 2)
    inside = _wanted(access, wanted).where(lies_in(None)).with_only_columns(rest.label("rest"))
    # Materialised: it would be taken out of the metadata anew wherever it is named.
    paths = inside.cte("paths").prefix_with("MATERIALIZED")
    name = func.split_part(paths.c.rest, "/", 1).label("name")
    found = select(name, func.count()).where(func.strpos(paths.c.rest, "/") > 1).group_by(name)
    part = found.add_columns(func.count().over()).order_by(name)
    rows = (await session.execute(part.offset(request.offset).limit(request.limit))).all()
    total: int | None = rows[0][2] if rows else None
    if total is None:  # a page behind the last one, or none at all
        total = await session.scalar(select(func.count()).select_from(found.subquery()))
    return Page([(row[0], row[1]) for row in rows], request, total or 0)


async def named_ones(
    session: AsyncSession, access: Access, wanted: str, collection_id: uuid.UUID | None
) -> list[Document]:
    """Readable documents that a name or part of an id fits, oldest first."""
    return list(
        await session.scalars(named(wanted, collection_id).where(within(access, Verb.READ)))
    )


async def text_segments(
    session: AsyncSession, version_id: uuid.UUID, start: int, end: int
) -> list[DocumentText]:
    """The stored segments that overlap a stretch of the text."""
    # The segment that holds `start` begins at or before it: the last such one.
    first = (
        select(func.max(DocumentText.start_offset))
        .where(DocumentText.version_id == version_id, DocumentText.start_offset <= start)
        .scalar_subquery()
    )
    rows = await session.scalars(
        select(DocumentText)
        .where(
            DocumentText.version_id == version_id,
            DocumentText.start_offset >= first,
            DocumentText.start_offset < end,
        )
        .order_by(DocumentText.start_offset)
    )
    return list(rows)


async def blob_of(session: AsyncSession, version: DocumentVersion) -> Blob:
    """The original content of a version."""
    return (await session.scalars(select(Blob).where(Blob.id == version.blob_id))).one()


async def lock(session: AsyncSession, document_id: uuid.UUID, access: Access) -> Document | None:
    """A document the caller may read, locked until the end of the transaction."""
    # Read anew: the session may hold it from before it had to wait for the lock.
    return await session.scalar(
        select(Document)
        .where(Document.id == document_id, within(access, Verb.READ))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def changed_fields(document: Document, names: Sequence[str]) -> list[str]:
    """Those of the columns whose value differs from the stored one."""
    attributes = inspect(document).attrs
    return [name for name in names if attributes[name].history.has_changes()]


async def add_claims(
    session: AsyncSession,
    claim_id: uuid.UUID,
    sizes: Mapping[bytes, int],
    key_id: uuid.UUID,
    seconds: float,
) -> None:
    """Claim contents whose rows are locked, or were made, in this transaction."""
    values = [
        {
            "tenant_id": session.info["tenant_id"],
            "sha256": sha256,
            "id": claim_id,
            "size_bytes": size,
            "key_id": key_id,
            "expires_at": func.now() + timedelta(seconds=seconds),
        }
        for sha256, size in sizes.items()
    ]
    await session.execute(insert(BlobClaim).values(values))


async def remove_claims(
    session: AsyncSession, claim_id: uuid.UUID, hashes: Collection[bytes]
) -> int:
    """Give up the claim of these contents; returns how many of them it still had."""
    statement = delete(BlobClaim).where(BlobClaim.id == claim_id, BlobClaim.sha256.in_(hashes))
    return cast(CursorResult[Any], await session.execute(statement)).rowcount


async def expire_claims(session: AsyncSession, claim_id: uuid.UUID) -> None:
    """Let a claim end now."""
    statement = update(BlobClaim).where(BlobClaim.id == claim_id)
    await session.execute(statement.values(expires_at=func.now()))


async def expired_claims(session: AsyncSession, limit: int) -> list[BlobClaim]:
    """Claims whose uploads did not end them."""
    rows = await session.scalars(
        select(BlobClaim)
        .where(BlobClaim.expires_at <= func.now())
        .order_by(BlobClaim.sha256)
        .limit(limit)
    )
    return list(rows)


async def claimed(session: AsyncSession, hashes: Collection[bytes]) -> set[bytes]:
    """Those of the contents that uploads in progress have claimed."""
    rows = await session.scalars(select(BlobClaim.sha256).where(BlobClaim.sha256.in_(hashes)))
    return {bytes(sha256) for sha256 in rows}


async def forget_blobs(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Delete the rows of contents that this transaction has made."""
    await session.execute(delete(Blob).where(Blob.id.in_(ids)))


async def release_unused(session: AsyncSession, ids: Collection[uuid.UUID]) -> None:
    """Release locked contents that no version needs, and mark their keys as unknown.

    The caller's put may have replaced a file, so which key it is under must be looked at again.
    """
    used = select(DocumentVersion.blob_id).where(
        DocumentVersion.tenant_id == Blob.tenant_id, DocumentVersion.blob_id == Blob.id
    )
    await session.execute(update(Blob).where(Blob.id.in_(ids)).values(key_id=None))
    await session.execute(
        update(Blob).where(Blob.id.in_(ids), ~used.exists()).values(released_at=func.now())
    )


async def note_key(session: AsyncSession, hashes: Sequence[bytes], key_id: uuid.UUID) -> None:
    """Record the key that the files of these contents are under; their rows are locked."""
    await session.execute(update(Blob).where(Blob.sha256.in_(hashes)).values(key_id=key_id))


async def count_under_others(session: AsyncSession, key_id: uuid.UUID) -> int:
    """Number of contents not known to be under this key, including those being uploaded."""
    # Claims too: the file of an upload in progress will be under the key that its claim names.
    count = 0
    for table in (Blob, BlobClaim):
        statement = select(func.count()).select_from(table)
        count += await session.scalar(statement.where(table.key_id.is_distinct_from(key_id))) or 0
    return count


async def page_under_others(
    session: AsyncSession, key_id: uuid.UUID, after: uuid.UUID, limit: int
) -> list[tuple[uuid.UUID, bytes]]:
    """Ids and hashes of contents that are not known to be under this key, in the order of ids."""
    rows = await session.execute(
        select(Blob.id, Blob.sha256)
        .where(Blob.key_id.is_distinct_from(key_id), Blob.id > after)
        .order_by(Blob.id)
        .limit(limit)
    )
    return [(blob_id, bytes(sha256)) for blob_id, sha256 in rows]


async def hold_blob(session: AsyncSession, blob_id: uuid.UUID) -> bool:
    """Lock a content's row, and with it its file; False if it is gone."""
    statement = select(Blob.id).where(Blob.id == blob_id).with_for_update()
    return await session.scalar(statement) is not None


async def filename_of(session: AsyncSession, blob_id: uuid.UUID) -> str | None:
    """The name of a document that has or had this content."""
    return await session.scalar(
        select(Document.filename)
        .join(
            DocumentVersion,
            and_(
                DocumentVersion.tenant_id == Document.tenant_id,
                DocumentVersion.document_id == Document.id,
            ),
        )
        .where(DocumentVersion.blob_id == blob_id)
        .limit(1)
    )
