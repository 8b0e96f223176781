"""Keeping chunks, and making a version findable in one step."""

import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.indexes.contract import ChunkRow, GenerationChangedError, Publication, VersionKey
from citewell.indexes.postgres.literals import int_array, sparse_literal
from citewell.kit.ids import uuid7

_HEADING_SEPARATOR = "\x1f"
"""Cannot occur in cleaned text, so a heading path travels as one string of an array."""

_STAGE_SQL = """
INSERT INTO chunk (
  tenant_id, id, generation_id, document_id, version_id, collection_id, ordinal, access_level,
  active, page, start_offset, end_offset, language, content_hash, heading, context, text,
  embedding, terms)
SELECT :tenant_id, r.id, :generation_id, :document_id, :version_id, :collection_id, r.ordinal,
  :access_level, :active, r.page, r.start_offset, r.end_offset, r.language, r.content_hash,
  string_to_array(r.heading, :separator), r.context, r.text, r.embedding::halfvec,
  r.terms::sparsevec
FROM unnest(
  CAST(:ids AS uuid[]), CAST(:ordinals AS int[]), CAST(:pages AS int[]),
  CAST(:starts AS bigint[]), CAST(:ends AS bigint[]), CAST(:languages AS text[]),
  CAST(:hashes AS bytea[]), CAST(:headings AS text[]), CAST(:contexts AS text[]),
  CAST(:texts AS text[]), CAST(:embeddings AS text[]), CAST(:terms AS text[])
) AS r(id, ordinal, page, start_offset, end_offset, language, content_hash, heading, context,
  text, embedding, terms)
ON CONFLICT (tenant_id, version_id, generation_id, ordinal) DO UPDATE SET
  page = excluded.page, start_offset = excluded.start_offset, end_offset = excluded.end_offset,
  language = excluded.language, content_hash = excluded.content_hash, heading = excluded.heading,
  context = excluded.context, text = excluded.text, embedding = excluded.embedding,
  terms = excluded.terms, active = chunk.active OR excluded.active,
  access_level = CASE WHEN chunk.active AND NOT excluded.active
    THEN chunk.access_level ELSE excluded.access_level END,
  collection_id = CASE WHEN chunk.active AND NOT excluded.active
    THEN chunk.collection_id ELSE excluded.collection_id END
"""
"""A version that answers goes on answering while it is read again, for whom it does now."""

_STAGE = text(_STAGE_SQL)

_KEEP_TERMS_SQL = """
  INSERT INTO version_terms
    (tenant_id, version_id, generation_id, chunk_count, chunking, terms, frequencies)
  VALUES (:tenant_id, :version_id, :generation_id, :chunk_count, :chunking,
    CAST(:counted_terms AS int[]), CAST(:frequencies AS int[]))
  ON CONFLICT (tenant_id, version_id, generation_id) DO UPDATE SET
    chunk_count = excluded.chunk_count, chunking = excluded.chunking, terms = excluded.terms,
    frequencies = excluded.frequencies
  RETURNING chunk_count, terms, frequencies
"""

_OPEN_SQL = """
  SELECT 1 FROM index_generation
  WHERE tenant_id = :tenant_id AND id = :generation_id AND (
    CAST(:is_building AS boolean) AND status = 'building'
    OR NOT CAST(:is_building AS boolean) AND status = 'live'
      AND (live_since IS NULL OR live_since < now() - make_interval(secs => :settling)))
  FOR KEY SHARE
"""
"""Finds the generation only if it takes this, and keeps it so until the transaction ends."""

SETTLING_SECONDS = 5.0
"""A generation takes nothing new for so long after it took over: other processes still search the
one before (`index.MEMORY_SECONDS`), and would not find a document at all."""

_STAGE_AND_KEEP_TERMS = text(
    f"WITH staged AS ({_STAGE_SQL}), open AS MATERIALIZED ({_OPEN_SQL}), "  # noqa: S608 - constants
    f"kept AS ({_KEEP_TERMS_SQL}) SELECT count(*) FROM kept WHERE EXISTS (SELECT FROM open)"
)
"""Stores the last chunks of a version that does not answer, and what counting it takes later."""

_STAGE_AND_COUNT = text(
    f"WITH staged AS ({_STAGE_SQL}), open AS MATERIALIZED ({_OPEN_SQL}), "  # noqa: S608 - constants
    f"kept AS ({_KEEP_TERMS_SQL}), counted AS ("
    """
INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
SELECT :tenant_id, :generation_id, 1, chunk_count, terms, frequencies FROM kept
WHERE EXISTS (SELECT FROM open)
RETURNING 1
) SELECT count(*) FROM counted"""
)
"""Stores the last chunks, and in how many of the version's chunks each term occurs: to be kept
with the version and to be folded into the statistics."""

_HOLD_UNRETIRED = text("""
SELECT 1 FROM index_generation
WHERE tenant_id = :tenant_id AND id = :generation_id AND status <> 'retired' FOR KEY SHARE
""")

_KNOWN = text("""
SELECT DISTINCT ON (content_hash) content_hash, embedding::text
FROM chunk
WHERE tenant_id = :tenant_id AND document_id = :document_id AND generation_id = :generation_id
  AND content_hash = ANY(CAST(:hashes AS bytea[]))
""")

_TRIM = text("""
DELETE FROM chunk
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
  AND ordinal >= :chunk_count
""")

_FORGET_ELSEWHERE = text("""
DELETE FROM version_terms
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id <> :generation_id
""")
"""A version that was published before and is made again is made again for a generation that is
being built, too."""

_DISCARD = text("""
DELETE FROM chunk WHERE tenant_id = :tenant_id AND version_id = :version_id AND NOT active
""")

_ACTIVATE = text("""
UPDATE chunk SET active = true, access_level = :access_level, collection_id = :collection_id
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
""")

_REACTIVATE = text("""
WITH activated AS (
  UPDATE chunk SET active = true, access_level = :access_level, collection_id = :collection_id
  WHERE tenant_id = :tenant_id AND version_id = :version_id
  RETURNING generation_id
)
SELECT count(*) FROM activated WHERE generation_id = :generation_id
""")

_DEACTIVATE_OTHERS = text("""
WITH outdated AS (
  UPDATE chunk SET active = false
  WHERE tenant_id = :tenant_id AND document_id = :document_id AND version_id <> :version_id
    AND active
  RETURNING version_id
)
SELECT DISTINCT version_id FROM outdated
""")

_SET_ACTIVE = text("""
UPDATE chunk SET active = :active, access_level = :access_level, collection_id = :collection_id
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
  AND (active, access_level, collection_id)
    IS DISTINCT FROM (:active, CAST(:access_level AS smallint), CAST(:collection_id AS uuid))
""")

_SET_ACCESS = text("""
UPDATE chunk SET access_level = :access_level, collection_id = :collection_id
WHERE tenant_id = :tenant_id AND document_id = :document_id
  AND (access_level <> :access_level OR collection_id <> :collection_id)
""")


async def known_embeddings(
    session: AsyncSession, key: VersionKey, generation_id: int, hashes: Sequence[bytes]
) -> dict[bytes, str]:
    """See `Writer.known_embeddings`."""
    rows = await session.execute(
        _KNOWN,
        {
            "tenant_id": key.tenant_id,
            "document_id": key.document_id,
            "generation_id": generation_id,
            "hashes": list(hashes),
        },
    )
    return {bytes(content_hash): embedding for content_hash, embedding in rows}


async def stage(
    session: AsyncSession,
    key: VersionKey,
    generation_id: int,
    rows: Sequence[ChunkRow],
) -> None:
    """See `Writer.stage`. COPY is not allowed under row-level security, arrays are."""
    held = {"tenant_id": key.tenant_id, "generation_id": generation_id}
    if not await session.scalar(_HOLD_UNRETIRED, held):
        raise GenerationChangedError  # what is left of it is being removed
    await session.execute(_STAGE, _stage_values(key, generation_id, rows, is_active=False))


async def discard(session: AsyncSession, tenant_id: uuid.UUID, version_id: uuid.UUID) -> None:
    """See `Writer.discard`."""
    await session.execute(_DISCARD, {"tenant_id": tenant_id, "version_id": version_id})


def _stage_values(
    key: VersionKey, generation_id: int, rows: Sequence[ChunkRow], *, is_active: bool
) -> dict[str, object]:
    """What `_STAGE_SQL` is bound to."""
    return {
        "tenant_id": key.tenant_id,
        "generation_id": generation_id,
        "document_id": key.document_id,
        "version_id": key.version_id,
        "collection_id": key.collection_id,
        "access_level": key.access_level,
        "active": is_active,
        "separator": _HEADING_SEPARATOR,
        "ids": [row.id or uuid7() for row in rows],
        "ordinals": [row.ordinal for row in rows],
        "pages": [row.page for row in rows],
        "starts": [row.start for row in rows],
        "ends": [row.end for row in rows],
        "languages": [row.language for row in rows],
        "hashes": [row.content_hash for row in rows],
        "headings": [_HEADING_SEPARATOR.join(row.heading) for row in rows],
        "contexts": [row.context for row in rows],
        "texts": [row.text for row in rows],
        "embeddings": [row.embedding for row in rows],
        "terms": [sparse_literal(row.terms) for row in rows],
    }


async def publish(
    session: AsyncSession, key: VersionKey, generation_id: int, publication: Publication
) -> list[object]:
    """See `Writer.publish`; returns the versions that answered until now.

    The version's terms are counted in the statement that stores its last chunks, but those of the
    versions returned are still to be withdrawn from the statistics.
    """
    values = _key_values(key, generation_id) | {"chunk_count": publication.chunk_count}
    outdated: list[object] = []
    if publication.is_retry:
        await session.execute(_TRIM, values)
        await session.execute(_FORGET_ELSEWHERE, values)
    if publication.has_predecessor:
        outdated = list(await session.scalars(_DEACTIVATE_OTHERS, values))
    if publication.chunk_count > len(publication.last_rows):
        await session.execute(_ACTIVATE, values)
    last = _last_values(key, generation_id, publication, is_active=True)
    if not await session.scalar(_STAGE_AND_COUNT, last):
        raise GenerationChangedError
    return outdated


async def shelve(
    session: AsyncSession, key: VersionKey, generation_id: int, publication: Publication
) -> None:
    """See `Writer.shelve`."""
    if publication.is_retry:
        values = _key_values(key, generation_id) | {"chunk_count": publication.chunk_count}
        await session.execute(_TRIM, values)
        await session.execute(_FORGET_ELSEWHERE, values)
    last = _last_values(key, generation_id, publication, is_active=False)
    if not await session.scalar(_STAGE_AND_KEEP_TERMS, last):
        raise GenerationChangedError
    # Access may have changed since the first chunks were staged, and `as_of` finds them.
    await set_access(session, key.tenant_id, key.document_id, key.collection_id, key.access_level)


async def take_in(
    session: AsyncSession,
    key: VersionKey,
    generation_id: int,
    publication: Publication,
    *,
    is_active: bool,
) -> None:
    """See `Writer.take_in`."""
    last = _last_values(key, generation_id, publication, is_active=is_active)
    last |= {"is_building": True}
    await session.execute(_TRIM, last)
    await session.execute(_SET_ACTIVE, last)
    statement = _STAGE_AND_COUNT if is_active else _STAGE_AND_KEEP_TERMS
    if not await session.scalar(statement, last):
        raise GenerationChangedError


async def reactivate(
    session: AsyncSession, key: VersionKey, generation_id: int
) -> tuple[list[object], int]:
    """See `Writer.reactivate`; returns the versions that answered until now, and the chunks.

    The statistics are still to be told of both.
    """
    values = _key_values(key, generation_id)
    outdated = list(await session.scalars(_DEACTIVATE_OTHERS, values))
    return outdated, await session.scalar(_REACTIVATE, values) or 0


def _key_values(key: VersionKey, generation_id: int) -> dict[str, object]:
    return {
        "tenant_id": key.tenant_id,
        "document_id": key.document_id,
        "version_id": key.version_id,
        "collection_id": key.collection_id,
        "access_level": key.access_level,
        "generation_id": generation_id,
    }


def _last_values(
    key: VersionKey, generation_id: int, publication: Publication, *, is_active: bool
) -> dict[str, object]:
    return {
        **_stage_values(key, generation_id, publication.last_rows, is_active=is_active),
        "chunk_count": publication.chunk_count,
        "chunking": publication.chunking,
        "is_building": False,
        "settling": SETTLING_SECONDS,
        "counted_terms": int_array(publication.term_frequencies),
        "frequencies": int_array(publication.term_frequencies.values()),
    }


async def set_access(
    session: AsyncSession,
    tenant_id: uuid.UUID,
    document_id: uuid.UUID,
    collection_id: uuid.UUID,
    access_level: int,
) -> None:
    """See `Writer.set_access`."""
    await session.execute(
        _SET_ACCESS,
        {
            "tenant_id": tenant_id,
            "document_id": document_id,
            "collection_id": collection_id,
            "access_level": access_level,
        },
    )
