"""Applies events: stores chunks, and changes in one step which of them can be found."""

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, assert_never

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from citewell.engine.embedding.base import Vector
from citewell.indexes.contract import GenerationChangedError, IncompleteVersionError, UnitOfWork
from citewell.indexes.events import (
    AccessChanged,
    ChunkRow,
    ChunksStaged,
    DocumentHidden,
    DocumentsRemoved,
    Event,
    VersionDiscarded,
    VersionKey,
    VersionPublished,
    VersionRebuilt,
    VersionRestored,
    VersionShelved,
)
from citewell.indexes.postgres import reading
from citewell.indexes.postgres.literals import (
    dense_literal,
    dense_vector,
    int_array,
    sparse_literal,
)
from citewell.indexes.postgres.live import LiveGenerations
from citewell.indexes.postgres.work import session_of
from citewell.kit.ids import uuid7

_HEADING_SEPARATOR = "\x1f"
"""Cannot occur in cleaned text, so a heading path travels as one string of an array."""

_STAGE_SQL = """
INSERT INTO chunk (
  tenant_id, id, generation_id, document_id, version_id, collection_id, ordinal, access_level,
  active, page, page_breaks, start_offset, end_offset, language, content_hash, heading, context,
  text,
  embedding, terms)
SELECT :tenant_id, r.id, :generation_id, :document_id, :version_id, :collection_id, r.ordinal,
  :access_level, :active, r.page, r.page_breaks::int[], r.start_offset, r.end_offset,
  r.language, r.content_hash, string_to_array(r.heading, :separator), r.context, r.text,
  r.embedding::halfvec, r.terms::sparsevec
FROM unnest(
  CAST(:ids AS uuid[]), CAST(:ordinals AS int[]), CAST(:pages AS int[]),
  CAST(:page_breaks AS text[]),
  CAST(:starts AS bigint[]), CAST(:ends AS bigint[]), CAST(:languages AS text[]),
  CAST(:hashes AS bytea[]), CAST(:headings AS text[]), CAST(:contexts AS text[]),
  CAST(:texts AS text[]), CAST(:embeddings AS text[]), CAST(:terms AS text[])
) AS r(id, ordinal, page, page_breaks, start_offset, end_offset, language, content_hash, heading,
  context, text, embedding, terms)
ON CONFLICT (tenant_id, version_id, generation_id, ordinal) DO UPDATE SET
  page = excluded.page, page_breaks = excluded.page_breaks,
  start_offset = excluded.start_offset, end_offset = excluded.end_offset,
  language = excluded.language, content_hash = excluded.content_hash, heading = excluded.heading,
  context = excluded.context, text = excluded.text, embedding = excluded.embedding,
  terms = excluded.terms, active = chunk.active OR excluded.active,
  access_level = CASE WHEN chunk.active AND NOT excluded.active
    THEN chunk.access_level ELSE excluded.access_level END,
  collection_id = CASE WHEN chunk.active AND NOT excluded.active
    THEN chunk.collection_id ELSE excluded.collection_id END
"""
"""Stores chunks; one that answers stays findable, for the same callers, while it is replaced."""

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
"""One row if the generation may take the version; its status is locked until the commit."""

_STAGE_AND_KEEP_TERMS = text(
    f"WITH staged AS ({_STAGE_SQL}), open AS MATERIALIZED ({_OPEN_SQL}), "  # noqa: S608 - constants
    f"kept AS ({_KEEP_TERMS_SQL}) SELECT count(*) FROM kept WHERE EXISTS (SELECT FROM open)"
)
"""Stores the last chunks of a version that does not answer, and its term counts for later."""

# The former count of the version is subtracted: an event that is applied again counts once.
_STAGE_AND_COUNT = text(
    f"WITH staged AS ({_STAGE_SQL}), open AS MATERIALIZED ({_OPEN_SQL}), "  # noqa: S608 - constants
    f"kept AS ({_KEEP_TERMS_SQL}), counted AS ("
    """
INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
SELECT :tenant_id, :generation_id, sign, chunk_count, terms, frequencies FROM (
  SELECT 1 AS sign, chunk_count, terms, frequencies FROM kept
  UNION ALL
  SELECT -1, t.chunk_count, t.terms, t.frequencies FROM version_terms t
  WHERE t.tenant_id = :tenant_id AND t.version_id = :version_id
    AND t.generation_id = :generation_id AND EXISTS (
      SELECT FROM chunk c WHERE c.tenant_id = :tenant_id AND c.version_id = :version_id
        AND c.generation_id = :generation_id AND c.active)) AS changes
WHERE EXISTS (SELECT FROM open)
RETURNING sign
) SELECT count(*) FROM counted WHERE sign = 1"""
)
"""Stores the last chunks and the version's term counts, and notes the counts to be folded."""

_HOLD_UNRETIRED = text("""
SELECT 1 FROM index_generation
WHERE tenant_id = :tenant_id AND id = :generation_id AND status <> 'retired' FOR KEY SHARE
""")

# pgvector's binary form: two counts of 16 bits, then each number in half precision. One row is read
# for each hash: a document may have thousands of equal passages, and DISTINCT reads them all.
_KNOWN = text("""
SELECT w.content_hash, halfvec_send(k.embedding) AS embedding
FROM (SELECT DISTINCT unnest(CAST(:hashes AS bytea[])) AS content_hash) w
CROSS JOIN LATERAL (
  SELECT c.embedding FROM chunk c
  WHERE c.tenant_id = :tenant_id AND c.document_id = :document_id
    AND c.content_hash = w.content_hash AND c.generation_id = :generation_id
  LIMIT 1
) k
""")

# The counts of the version are subtracted in each generation it answers in, and deleted: a
# generation that is being built has to make it again, too. Leftovers of a longer attempt go.
_BEGIN_AGAIN = text("""
WITH uncounted AS (
  INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
  SELECT t.tenant_id, t.generation_id, -1, t.chunk_count, t.terms, t.frequencies
  FROM version_terms t
  WHERE t.tenant_id = :tenant_id AND t.version_id = :version_id
    AND (CAST(:is_answering AS boolean) OR EXISTS (
      SELECT FROM chunk c WHERE c.tenant_id = :tenant_id AND c.version_id = :version_id
        AND c.generation_id = t.generation_id AND c.active))
), forgotten AS (
  DELETE FROM version_terms WHERE tenant_id = :tenant_id AND version_id = :version_id
)
DELETE FROM chunk
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
  AND ordinal >= :chunk_count
""")

_DISCARD = text("""
DELETE FROM chunk WHERE tenant_id = :tenant_id AND version_id = :version_id AND NOT active
""")

_SET_ACTIVE = text("""
UPDATE chunk SET active = :active, access_level = :access_level, collection_id = :collection_id
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
  AND (active, access_level, collection_id)
    IS DISTINCT FROM (:active, CAST(:access_level AS smallint), CAST(:collection_id AS uuid))
""")

_TRIM = text("""
DELETE FROM chunk
WHERE tenant_id = :tenant_id AND version_id = :version_id AND generation_id = :generation_id
  AND ordinal >= :chunk_count
""")

# A generation without a version's terms does not have all of it yet.
_RESTORE = text("""
WITH wanted AS MATERIALIZED (
  SELECT * FROM unnest(
    CAST(:version_ids AS uuid[]), CAST(:collection_ids AS uuid[]),
    CAST(:access_levels AS smallint[]), CAST(:chunk_counts AS int[])
  ) AS w(version_id, collection_id, access_level, chunk_count)
), whole AS MATERIALIZED (
  SELECT w.version_id FROM wanted w
  JOIN version_terms t ON t.tenant_id = :tenant_id AND t.version_id = w.version_id
    AND t.generation_id = :generation_id
  WHERE w.chunk_count = (
    SELECT count(*) FROM chunk c WHERE c.tenant_id = :tenant_id AND c.version_id = w.version_id
      AND c.generation_id = :generation_id)
), had AS MATERIALIZED (
  SELECT w.version_id, w.collection_id, w.access_level, t.generation_id, t.chunk_count, t.terms,
    t.frequencies, EXISTS (
      SELECT FROM chunk c WHERE c.tenant_id = :tenant_id AND c.version_id = t.version_id
        AND c.generation_id = t.generation_id AND c.active) AS is_counted
  FROM wanted w JOIN version_terms t ON t.tenant_id = :tenant_id AND t.version_id = w.version_id
  WHERE w.version_id IN (SELECT version_id FROM whole)
), shown AS (
  UPDATE chunk c
  SET active = true, access_level = h.access_level, collection_id = h.collection_id FROM had h
  WHERE c.tenant_id = :tenant_id AND c.version_id = h.version_id
    AND c.generation_id = h.generation_id
), counted AS (
  INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
  SELECT :tenant_id, generation_id, 1, chunk_count, terms, frequencies FROM had
  WHERE NOT is_counted
)
SELECT version_id FROM whole
""")

# The statistics count the findable versions, generation by generation.
_HIDE = text("""
WITH hidden AS (
  UPDATE chunk SET active = false
  WHERE tenant_id = :tenant_id AND document_id = ANY(CAST(:document_ids AS uuid[])) AND active
    AND version_id <> ALL(CAST(:version_ids AS uuid[]))
  RETURNING version_id, generation_id
)
INSERT INTO term_delta (tenant_id, generation_id, sign, chunk_count, terms, frequencies)
SELECT t.tenant_id, t.generation_id, -1, t.chunk_count, t.terms, t.frequencies
FROM version_terms t
WHERE t.tenant_id = :tenant_id
  AND (t.version_id, t.generation_id) IN (SELECT version_id, generation_id FROM hidden)
""")
"""Hides documents, but for the versions that are named."""

_REMOVE = text("""
DELETE FROM chunk
WHERE tenant_id = :tenant_id AND document_id = ANY(CAST(:document_ids AS uuid[]))
""")

_SET_ACCESS = text("""
UPDATE chunk SET access_level = :access_level, collection_id = :collection_id
WHERE tenant_id = :tenant_id AND document_id = :document_id
  AND (access_level <> :access_level OR collection_id <> :collection_id)
""")

_Single: TypeAlias = (
    ChunksStaged
    | VersionDiscarded
    | VersionPublished
    | VersionShelved
    | VersionRebuilt
    | DocumentHidden
    | DocumentsRemoved
    | AccessChanged
)
"""Events that are applied one by one: all but `VersionRestored`."""

MOST_ON_THE_LOOP = 16
"""Chunks that are written out for the database without a thread: a hop to one costs as much."""


class PostgresWriter:
    """Writes chunks and terms in the caller's transaction."""

    def __init__(self, live: LiveGenerations, settling: float) -> None:
        """Take `settling`, the seconds in which a new generation takes nothing new."""
        self._live = live
        self._settling = settling

    async def apply(self, work: UnitOfWork, *events: Event) -> None:
        session = session_of(work)
        try:
            for run in _runs(events):
                if isinstance(run, list):
                    await _restore(session, work.tenant_id, run)
                else:
                    await _apply(session, work.tenant_id, run, self._settling)
        except GenerationChangedError:
            self._live.forget(work.tenant_id)
            raise

    async def known_vectors(
        self,
        work: UnitOfWork,
        document_id: uuid.UUID,
        generation_id: int,
        hashes: Sequence[bytes],
    ) -> dict[bytes, Vector]:
        values = {
            "tenant_id": work.tenant_id,
            "document_id": document_id,
            "generation_id": generation_id,
            "hashes": list(hashes),
        }
        rows = await session_of(work).execute(_KNOWN, values)
        return {bytes(row.content_hash): dense_vector(row.embedding) for row in rows}

    async def taken_ids(self, work: UnitOfWork, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        return await reading.taken(session_of(work), work.tenant_id, ids)


def _runs(events: Iterable[Event]) -> Iterator[_Single | list[VersionRestored]]:
    """The events in their order, restored versions of different documents in lists.

    A collection that was imported or taken back has thousands, which would be as many statements.
    """
    run: list[VersionRestored] = []
    for event in events:
        is_restored = isinstance(event, VersionRestored)
        if run and not (
            is_restored
            and event.generation_id == run[0].generation_id
            and all(event.version.document_id != each.version.document_id for each in run)
        ):
            yield run
            run = []
        if is_restored:
            run.append(event)
        else:
            yield event
    if run:
        yield run


async def _apply(
    session: AsyncSession, tenant_id: uuid.UUID, event: _Single, settling: float
) -> None:
    match event:
        case ChunksStaged():
            await _stage(session, tenant_id, event)
        case VersionPublished():
            await _publish(session, tenant_id, event, settling)
        case VersionShelved():
            await _shelve(session, tenant_id, event, settling)
        case VersionRebuilt():
            await _take_in(session, tenant_id, event, settling)
        case VersionDiscarded(version_id):
            await session.execute(_DISCARD, {"tenant_id": tenant_id, "version_id": version_id})
        case DocumentHidden(document_id):
            values = {"tenant_id": tenant_id, "document_ids": [document_id], "version_ids": []}
            await session.execute(_HIDE, values)
        case DocumentsRemoved(document_ids):
            values = {"tenant_id": tenant_id, "document_ids": list(document_ids)}
            await session.execute(_REMOVE, values)
        case AccessChanged():
            values = {"tenant_id": tenant_id, "document_id": event.document_id}
            values |= {"collection_id": event.collection_id, "access_level": event.access_level}
            await session.execute(_SET_ACCESS, values)
        case _:
            assert_never(event)


async def _stage(session: AsyncSession, tenant_id: uuid.UUID, event: ChunksStaged) -> None:
    """Store chunks; as arrays, since PostgreSQL refuses COPY into a table with row security."""
    values = _key_values(tenant_id, event)
    if not await session.scalar(_HOLD_UNRETIRED, values):
        raise GenerationChangedError  # its chunks are being removed
    await session.execute(_STAGE, values | {"active": False} | await _row_values(event.rows))


async def _publish(
    session: AsyncSession, tenant_id: uuid.UUID, event: VersionPublished, settling: float
) -> None:
    publication = event.publication
    values = await _completing(tenant_id, event, settling, is_active=True)
    if publication.is_retry:
        await session.execute(_BEGIN_AGAIN, values)
    if publication.has_predecessor:
        await session.execute(_HIDE, _hidden_beside(tenant_id, [event.version]))
    if not await session.scalar(_STAGE_AND_COUNT, values):
        raise GenerationChangedError
    # Only when some chunks were staged before; the last ones have been stored as active.
    if publication.chunk_count > len(publication.last_rows):
        await session.execute(_SET_ACTIVE, values)


async def _shelve(
    session: AsyncSession, tenant_id: uuid.UUID, event: VersionShelved, settling: float
) -> None:
    values = await _completing(tenant_id, event, settling, is_active=False)
    if event.publication.is_retry:
        await session.execute(_BEGIN_AGAIN, values)
    if not await session.scalar(_STAGE_AND_KEEP_TERMS, values):
        raise GenerationChangedError
    # Access may have changed since the first chunks were staged, and `as_of` finds them.
    await session.execute(_SET_ACCESS, values)


async def _take_in(
    session: AsyncSession, tenant_id: uuid.UUID, event: VersionRebuilt, settling: float
) -> None:
    values = await _completing(tenant_id, event, settling, is_active=event.is_active)
    values["is_building"] = True
    # Chunks of an earlier, longer attempt; the counts below are those of this one.
    await session.execute(_TRIM, values)
    statement = _STAGE_AND_COUNT if event.is_active else _STAGE_AND_KEEP_TERMS
    if not await session.scalar(statement, values):
        raise GenerationChangedError
    await session.execute(_SET_ACTIVE, values)


async def _restore(
    session: AsyncSession, tenant_id: uuid.UUID, events: Sequence[VersionRestored]
) -> None:
    """Restore versions of different documents, from one generation."""
    keys = [event.version for event in events]
    values = {
        "tenant_id": tenant_id,
        "generation_id": events[0].generation_id,
        "version_ids": [key.version_id for key in keys],
        "collection_ids": [key.collection_id for key in keys],
        "access_levels": [key.access_level for key in keys],
        "chunk_counts": [event.chunk_count for event in events],
    }
    whole = set(await session.scalars(_RESTORE, values))
    for key in keys:
        if key.version_id not in whole:
            raise IncompleteVersionError(key.version_id)
    await session.execute(_HIDE, _hidden_beside(tenant_id, keys))


def _hidden_beside(tenant_id: uuid.UUID, keys: Sequence[VersionKey]) -> dict[str, object]:
    """Parameters of `_HIDE` that leave these versions of their documents."""
    return {
        "tenant_id": tenant_id,
        "document_ids": [key.document_id for key in keys],
        "version_ids": [key.version_id for key in keys],
    }


_Completing = VersionPublished | VersionShelved | VersionRebuilt


def _key_values(tenant_id: uuid.UUID, event: ChunksStaged | _Completing) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "document_id": event.version.document_id,
        "version_id": event.version.version_id,
        "collection_id": event.version.collection_id,
        "access_level": event.version.access_level,
        "generation_id": event.generation_id,
    }


async def _completing(
    tenant_id: uuid.UUID, event: _Completing, settling: float, *, is_active: bool
) -> dict[str, object]:
    """Parameters of the statements that complete a version."""
    publication = event.publication
    return {
        **_key_values(tenant_id, event),
        **await _row_values(publication.last_rows),
        "active": is_active,
        "chunk_count": publication.chunk_count,
        "chunking": publication.chunking,
        "is_building": False,
        "is_answering": publication.is_answering,
        "settling": settling,
        "counted_terms": int_array(publication.term_frequencies),
        "frequencies": int_array(publication.term_frequencies.values()),
    }


async def _row_values(rows: Sequence[ChunkRow]) -> dict[str, object]:
    """Parameters of `_STAGE_SQL`, but for the version."""
    if len(rows) <= MOST_ON_THE_LOOP:
        return _written(rows)
    # Writing out a batch of vectors takes long enough to hold up the other requests of the process.
    return await asyncio.to_thread(_written, rows)


def _written(rows: Sequence[ChunkRow]) -> dict[str, object]:
    return {
        "separator": _HEADING_SEPARATOR,
        "ids": [row.id or uuid7() for row in rows],
        "ordinals": [row.ordinal for row in rows],
        "pages": [row.page for row in rows],
        "page_breaks": [int_array(row.page_breaks) for row in rows],
        "starts": [row.start for row in rows],
        "ends": [row.end for row in rows],
        "languages": [row.language for row in rows],
        "hashes": [row.content_hash for row in rows],
        "headings": [_HEADING_SEPARATOR.join(row.heading) for row in rows],
        "contexts": [row.context for row in rows],
        "texts": [row.text for row in rows],
        "embeddings": [dense_literal(row.embedding) for row in rows],
        "terms": [sparse_literal(row.terms) for row in rows],
    }
