"""Statements of building another generation of the index."""

import hashlib
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.core.database.sessions import Database
from citewell.core.errors import ConflictError
from citewell.indexes.contract import CompleteVersion
from citewell.models.documents import DocumentText, DocumentVersion, has_given_title
from citewell.models.trash import trash_shown


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A version that is to be made anew for another generation of the index."""

    version_id: uuid.UUID
    number: int
    chunk_count: int
    chunking: str | None
    """Name of the chunking it was cut with; None if it was not recorded."""
    parsed_title: str | None
    sha256: bytes
    """SHA-256 of the file."""
    document_id: uuid.UUID
    collection_id: uuid.UUID
    access_level: int
    filename: str
    title: str
    active_title: str | None
    """Title parsed from the version that answers now."""
    chunk_strategy: str
    chunk_size: int
    chunk_overlap: int

    @property
    def given_title(self) -> str | None:
        """The title a person gave the document; None if nobody did."""
        is_given = has_given_title(self.title, self.filename, self.active_title)
        return self.title if is_given else None


_REBUILDS = text("""
SELECT v.id AS version_id, v.number, v.parsed_title, b.sha256, d.id AS document_id,
  d.collection_id, d.access_level, d.filename, d.title, active.parsed_title AS active_title,
  c.chunk_strategy, c.chunk_size, c.chunk_overlap
FROM document_version v
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
JOIN collection c ON c.tenant_id = d.tenant_id AND c.id = d.collection_id
JOIN blob b ON b.tenant_id = v.tenant_id AND b.id = v.blob_id
LEFT JOIN document_version active
  ON active.tenant_id = d.tenant_id AND active.id = d.active_version_id
WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[]))
""")

_WANTED_CHUNKINGS = text("""
SELECT v.id, concat_ws('/', c.chunk_strategy, c.chunk_size, c.chunk_overlap) AS chunking
FROM document_version v
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
JOIN collection c ON c.tenant_id = d.tenant_id AND c.id = d.collection_id
WHERE v.tenant_id = :tenant_id AND v.id > :after ORDER BY v.id LIMIT :limit
""")

# FOR NO KEY UPDATE, which still lets rows be inserted that refer to the document.
_HOLD_POINTER = text("""
SELECT d.active_version_id, d.collection_id, d.access_level
FROM document d JOIN document_version v ON v.tenant_id = d.tenant_id AND v.document_id = d.id
WHERE d.tenant_id = :tenant_id AND v.id = :version_id
FOR NO KEY UPDATE OF d
""")


async def rebuilds(session: AsyncSession, lacking: Sequence[CompleteVersion]) -> list[Rebuild]:
    """Inputs for building the versions, in their order, without deleted ones."""
    values = {"version_ids": [each.version_id for each in lacking]}
    async with trash_shown(session):  # documents in the trash may be restored
        rows = await session.execute(_REBUILDS, values | {"tenant_id": session.info["tenant_id"]})
    found = {row["version_id"]: row for row in rows.mappings()}
    return [
        Rebuild(chunk_count=each.chunk_count, chunking=each.chunking, **found[each.version_id])
        for each in lacking
        if each.version_id in found
    ]


async def wanted_chunkings(
    session: AsyncSession, after: uuid.UUID, limit: int
) -> dict[uuid.UUID, str]:
    """The chunking that collections ask for now, by version id, in the order of ids."""
    values = {"tenant_id": session.info["tenant_id"], "after": after, "limit": limit}
    async with trash_shown(session):
        rows = await session.execute(_WANTED_CHUNKINGS, values)
    return {row.id: row.chunking for row in rows}


async def hold_pointer(
    session: AsyncSession, version_id: uuid.UUID
) -> tuple[uuid.UUID | None, uuid.UUID, int] | None:
    """Active version, collection and access level of a version's document.

    They are locked until the transaction ends. None if the version is gone.
    """
    values = {"tenant_id": session.info["tenant_id"], "version_id": version_id}
    async with trash_shown(session):
        row = (await session.execute(_HOLD_POINTER, values)).one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def stored_text_hash(session: AsyncSession, version_id: uuid.UUID) -> bytes:
    """SHA-256 of a version's extracted text in UTF-8."""
    digest = hashlib.sha256()
    parts = await session.stream_scalars(
        select(DocumentText.text)
        .where(DocumentText.version_id == version_id)
        .order_by(DocumentText.start_offset)
        .execution_options(yield_per=16)
    )
    async for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
    return digest.digest()


async def note_chunk_counts(session: AsyncSession, counts: Sequence[tuple[uuid.UUID, int]]) -> None:
    """Record the numbers of chunks that versions have in the generation that took over."""
    for version_id, count in counts:
        await session.execute(
            update(DocumentVersion)
            .where(DocumentVersion.id == version_id)
            .values(chunk_count=count)
        )


@asynccontextmanager
async def only_builder(database: Database, tenant_id: uuid.UUID) -> AsyncGenerator[None, None]:
    """Be the only process that builds a generation for the tenant.

    Raises:
        ConflictError: Another one is at it.
    """
    # Held by the session, not by a transaction: a rebuild takes hours, and a killed process loses
    # the lock with its connection.
    lock = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
    async with database.owner_connection() as connection:
        if not await connection.scalar(lock, {"key": f"reindex:{tenant_id}"}):
            raise ConflictError("Another `citewell reindex` is at work for this tenant.")
        yield
