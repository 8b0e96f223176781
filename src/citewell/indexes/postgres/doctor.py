"""`Doctor` in PostgreSQL: compares the index with the documents and repairs it.

Each check is one statement, so it sees the library at one moment: whatever is being published just
then is there completely or not at all.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import Row, TextClause, text

from citewell.indexes.contract import GenerationFacts, UnitOfWork, VersionFault
from citewell.indexes.postgres import building, statistics
from citewell.indexes.postgres.work import session_of
from citewell.models.trash import trash_shown

NORM_TOLERANCE = 0.02
"""How far from 1 a vector's length may be: half precision rounds each part by 0.05 % at most."""

_GENERATIONS = text("""
SELECT id, dimensions, status = 'live' AS is_live FROM index_generation
WHERE tenant_id = :tenant_id AND status <> 'retired' ORDER BY id
""")

# A generation that is being built has a version once it has the version's terms; before, what is
# staged there is in nobody's way.
_IS_KEPT = """
(:is_live OR EXISTS (
  SELECT FROM version_terms k WHERE k.tenant_id = :tenant_id AND k.version_id = v.id
    AND k.generation_id = :generation_id))
"""

# A version that is read again (open, but published before) keeps its passages meanwhile.
_IS_MISPLACED = f"""
(c.document_id <> d.id
  OR (v.status IN ('ready', 'superseded') AND {_IS_KEPT} AND (
    c.active <> (d.active_version_id IS NOT DISTINCT FROM v.id)
    OR c.access_level <> d.access_level OR c.collection_id <> d.collection_id))
  OR (v.status NOT IN ('ready', 'superseded') AND c.active
    AND d.active_version_id IS DISTINCT FROM v.id))
"""

_MISPLACED = text(f"""
SELECT v.id, count(*) || ' passages are not where their document is' AS what
FROM chunk c
JOIN document_version v ON v.tenant_id = c.tenant_id AND v.id = c.version_id
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
WHERE c.tenant_id = :tenant_id AND c.generation_id = :generation_id
  AND c.version_id = ANY(CAST(:version_ids AS uuid[])) AND {_IS_MISPLACED}
GROUP BY v.id
""")  # noqa: S608 - constants

# The lock that publishing takes, in the order of ids: no version changes state between the check in
# the statement and its repair, and two repairs cannot deadlock.
_HOLD_DOCUMENTS = text("""
SELECT d.id FROM document d
WHERE d.tenant_id = :tenant_id AND d.id IN (
  SELECT v.document_id FROM document_version v
  WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[])))
ORDER BY d.id FOR UPDATE
""")

_PUT_IN_PLACE = text(f"""
UPDATE chunk AS c SET document_id = d.id, access_level = d.access_level,
  collection_id = d.collection_id, active = d.active_version_id IS NOT DISTINCT FROM v.id
FROM document_version v, document d
WHERE c.tenant_id = :tenant_id AND c.generation_id = :generation_id
  AND c.version_id = ANY(CAST(:version_ids AS uuid[]))
  AND v.tenant_id = c.tenant_id AND v.id = c.version_id
  AND d.tenant_id = v.tenant_id AND d.id = v.document_id AND {_IS_MISPLACED}
""")  # noqa: S608 - constants

# Repairs change no document, so this row tells that what was found before holds no longer (0029).
_STAMP = text("""
UPDATE index_generation SET updated_at = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :generation_id
""")

_INCOMPLETE = text("""
SELECT v.id, 'has ' || n.found || ' of ' || e.due || ' passages' AS what
FROM document_version v
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
JOIN index_generation g ON g.tenant_id = v.tenant_id AND g.id = :generation_id
LEFT JOIN version_terms k ON k.tenant_id = v.tenant_id AND k.version_id = v.id
  AND k.generation_id = g.id
CROSS JOIN LATERAL (
  SELECT count(*) AS found, min(c.ordinal) AS first, max(c.ordinal) AS last
  FROM chunk c
  WHERE c.tenant_id = :tenant_id AND c.version_id = v.id AND c.generation_id = g.id) AS n
CROSS JOIN LATERAL (
  SELECT CASE g.status WHEN 'live' THEN v.chunk_count ELSE k.chunk_count END AS due) AS e
WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[]))
  AND v.status IN ('ready', 'superseded')
  AND (k.version_id IS NOT NULL OR (g.status = 'live' AND (
    n.found > 0 OR v.status = 'ready' OR v.published_at >= g.created_at)))
  AND (n.found <> e.due OR n.first <> 0 OR n.last <> n.found - 1)
""")

_IS_BROKEN = """
(vector_dims(c.embedding) <> :dimensions
  OR l2_norm(c.embedding) NOT BETWEEN 1 - :tolerance AND 1 + :tolerance
  OR c.start_offset < 0 OR c.end_offset < c.start_offset OR c.end_offset > v.char_count
  OR substr(s.text, (c.start_offset - s.start_offset + 1)::int,
    greatest(c.end_offset - c.start_offset, 0)::int) <> c.text)
"""
"""NULL, so not broken, where the version's text is missing: the check of texts reports that."""

_BROKEN_CHUNKS = f"""
SELECT c.id, c.version_id
FROM chunk c
JOIN document_version v ON v.tenant_id = c.tenant_id AND v.id = c.version_id
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
LEFT JOIN LATERAL (
  SELECT string_agg(t.text, '' ORDER BY t.start_offset) AS text,
    min(t.start_offset) AS start_offset
  FROM document_text t
  WHERE t.tenant_id = :tenant_id AND t.version_id = c.version_id
    AND t.start_offset < c.end_offset AND t.start_offset >= (
      SELECT max(b.start_offset) FROM document_text b
      WHERE b.tenant_id = :tenant_id AND b.version_id = c.version_id
        AND b.start_offset <= c.start_offset)) AS s ON true
WHERE c.tenant_id = :tenant_id AND c.generation_id = :generation_id
  AND c.version_id = ANY(CAST(:version_ids AS uuid[])) AND v.status IN ('ready', 'superseded')
  AND {_IS_BROKEN}
"""  # noqa: S608 - constants

_BROKEN = text(f"""
SELECT version_id AS id, count(*) || ' passages are damaged' AS what
FROM ({_BROKEN_CHUNKS}) AS broken GROUP BY version_id
""")  # noqa: S608 - constants

_REMOVE_BROKEN = text(f"""
DELETE FROM chunk WHERE tenant_id = :tenant_id AND id IN (
  SELECT id FROM ({_BROKEN_CHUNKS}) AS broken)
""")  # noqa: S608 - constants

_STRAYS = text("""
SELECT v.id, 'was cancelled and has ' || n.found || ' passages' AS what
FROM document_version v
JOIN document d ON d.tenant_id = v.tenant_id AND d.id = v.document_id
CROSS JOIN LATERAL (
  SELECT count(*) AS found FROM chunk c
  WHERE c.tenant_id = :tenant_id AND c.version_id = v.id) AS n
WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[]))
  AND v.status = 'cancelled' AND d.active_version_id IS DISTINCT FROM v.id AND n.found > 0
""")

_COUNTED = f"""
pairs AS (
  SELECT c.version_id, split_part(pair, ':', 1)::int AS term
  FROM chunk c
  CROSS JOIN LATERAL unnest(
    string_to_array(substr(split_part(c.terms::text, '}}', 1), 2), ',')) AS pair
  WHERE c.tenant_id = :tenant_id AND c.generation_id = :generation_id
    AND c.version_id = ANY(CAST(:version_ids AS uuid[]))
), counted AS (
  SELECT version_id, array_agg(term ORDER BY term) AS terms,
    array_agg(frequency ORDER BY term) AS frequencies
  FROM (SELECT version_id, term, count(*)::int AS frequency FROM pairs
        GROUP BY version_id, term) AS each
  GROUP BY version_id
), complete AS (
  SELECT v.id, p.found AS chunk_count, coalesce(n.terms, '{{}}') AS terms,
    coalesce(n.frequencies, '{{}}') AS frequencies
  FROM document_version v LEFT JOIN counted n ON n.version_id = v.id
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS found FROM chunk c
    WHERE c.tenant_id = :tenant_id AND c.version_id = v.id
      AND c.generation_id = :generation_id) AS p
  WHERE v.tenant_id = :tenant_id AND v.id = ANY(CAST(:version_ids AS uuid[]))
    AND v.status IN ('ready', 'superseded') AND p.found > 0
    AND CASE WHEN :is_live THEN p.found = v.chunk_count ELSE {_IS_KEPT} END
), miscounted AS (
  SELECT v.* FROM complete v
  LEFT JOIN version_terms k ON k.tenant_id = :tenant_id AND k.version_id = v.id
    AND k.generation_id = :generation_id
  CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(u.term ORDER BY u.term), '{{}}') AS terms,
      coalesce(array_agg(u.frequency ORDER BY u.term), '{{}}') AS frequencies
    FROM unnest(k.terms, k.frequencies) AS u(term, frequency)) AS kept
  WHERE k.version_id IS NULL OR k.chunk_count <> v.chunk_count
    OR kept.terms <> v.terms OR kept.frequencies <> v.frequencies
)"""  # noqa: S608 - constants
"""Terms of each version counted anew from its chunks, and the versions whose record differs."""

_MISCOUNTED = text(f"""
WITH {_COUNTED} SELECT id, 'its terms are not those of its passages' AS what FROM miscounted
""")  # noqa: S608 - constants

_RECOUNT = text(f"""
WITH {_COUNTED}
INSERT INTO version_terms
  (tenant_id, version_id, generation_id, chunk_count, terms, frequencies)
SELECT :tenant_id, id, :generation_id, chunk_count, terms, frequencies FROM miscounted
ON CONFLICT (tenant_id, version_id, generation_id) DO UPDATE SET
  chunk_count = excluded.chunk_count, terms = excluded.terms, frequencies = excluded.frequencies
""")  # noqa: S608 - constants

_DUE = """
active AS MATERIALIZED (
  SELECT k.chunk_count, k.terms, k.frequencies
  FROM document d
  JOIN version_terms k ON k.tenant_id = d.tenant_id AND k.version_id = d.active_version_id
    AND k.generation_id = :generation_id
  WHERE d.tenant_id = :tenant_id
), noted AS MATERIALIZED (
  SELECT sign, chunk_count, terms, frequencies FROM term_delta
  WHERE tenant_id = :tenant_id AND generation_id = :generation_id
), due AS (
  SELECT term, sum(frequency) AS frequency FROM (
    SELECT u.term, u.frequency FROM active, unnest(terms, frequencies) AS u(term, frequency)
    UNION ALL
    SELECT u.term, -sign * u.frequency FROM noted, unnest(terms, frequencies) AS u(term, frequency)
  ) AS summed GROUP BY term
), wrong AS (
  SELECT term, coalesce(k.frequency, 0) AS kept, coalesce(due.frequency, 0)::int AS due
  FROM due FULL JOIN (
    SELECT term, frequency FROM term_stat
    WHERE tenant_id = :tenant_id AND generation_id = :generation_id) AS k USING (term)
  WHERE coalesce(k.frequency, 0) <> coalesce(due.frequency, 0)
), counts AS (
  SELECT g.chunk_count AS kept, (SELECT coalesce(sum(chunk_count), 0) FROM active)
    - (SELECT coalesce(sum(sign * chunk_count), 0) FROM noted) AS due
  FROM index_generation g WHERE g.tenant_id = :tenant_id AND g.id = :generation_id
)"""
"""Statistics as they should be: those of the versions that answer, less the pending deltas.

The deltas are added by the next fold; counted here, too, they would be counted twice.
"""

_WRONG = text(f"""
WITH {_DUE}
SELECT (SELECT count(*) FROM wrong) AS terms, counts.due - counts.kept AS chunks FROM counts
""")  # noqa: S608 - constants

_REBUILD = text(f"""
WITH {_DUE}, put AS (
  INSERT INTO term_stat (tenant_id, generation_id, term, frequency)
  SELECT :tenant_id, :generation_id, term, due FROM wrong WHERE due <> 0
  ON CONFLICT (tenant_id, generation_id, term) DO UPDATE SET frequency = excluded.frequency
), removed AS (
  DELETE FROM term_stat WHERE tenant_id = :tenant_id AND generation_id = :generation_id
    AND term IN (SELECT term FROM wrong WHERE due = 0)
)
UPDATE index_generation g SET chunk_count = counts.due, updated_at = now() FROM counts
WHERE g.tenant_id = :tenant_id AND g.id = :generation_id AND g.chunk_count <> counts.due
""")  # noqa: S608 - constants

_BEING_BUILT = text("""
SELECT EXISTS (
  SELECT FROM pg_locks
  WHERE locktype = 'advisory' AND granted
    AND ((classid::bigint << 32) | objid::bigint) = hashtextextended(:key, 0))
""")


class PostgresDoctor:
    """Compares a tenant's chunks, terms and indexes with its documents, and repairs them."""

    async def generations(self, work: UnitOfWork) -> list[GenerationFacts]:
        rows = await session_of(work).execute(_GENERATIONS, {"tenant_id": work.tenant_id})
        return [GenerationFacts(row.id, row.dimensions, is_live=row.is_live) for row in rows]

    async def misplaced(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        async with trash_shown(session_of(work)):  # nothing in it may be found
            return await _faults(work, _MISPLACED, generation, version_ids)

    async def put_in_place(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> None:
        values = _values(work, generation, version_ids)
        async with trash_shown(session_of(work)):
            # The fault was found in an earlier transaction. A repair checks again under the lock,
            # and so leaves alone what has been put right since.
            await session_of(work).execute(_HOLD_DOCUMENTS, values)
            await session_of(work).execute(_PUT_IN_PLACE, values)
        await session_of(work).execute(_STAMP, values)

    async def incomplete(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        return await _faults(work, _INCOMPLETE, generation, version_ids)

    async def broken(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        return await _faults(work, _BROKEN, generation, version_ids)

    async def remove_broken(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> None:
        values = _values(work, generation, version_ids)
        await session_of(work).execute(_REMOVE_BROKEN, values)
        await session_of(work).execute(_STAMP, values)

    async def strays(
        self, work: UnitOfWork, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        values = {"tenant_id": work.tenant_id, "version_ids": list(version_ids)}
        return [VersionFault(*row) for row in await session_of(work).execute(_STRAYS, values)]

    async def miscounted(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> list[VersionFault]:
        return await _faults(work, _MISCOUNTED, generation, version_ids)

    async def recount(
        self, work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
    ) -> None:
        values = _values(work, generation, version_ids)
        await session_of(work).execute(_HOLD_DOCUMENTS, values)
        await session_of(work).execute(_RECOUNT, values)

    async def wrong_statistics(
        self, work: UnitOfWork, generation: GenerationFacts
    ) -> tuple[int, int]:
        rows = await session_of(work).execute(_WRONG, _values(work, generation, ()))
        row: Row[int, int] | None = rows.one_or_none()
        return (row[0], int(row[1])) if row else (0, 0)

    async def rebuild_statistics(self, work: UnitOfWork, generation: GenerationFacts) -> None:
        # A fold between reading the deltas and writing the sums would be lost.
        await statistics.hold(session_of(work), work.tenant_id)
        values = _values(work, generation, ())
        await session_of(work).execute(_REBUILD, values)
        await session_of(work).execute(_STAMP, values)

    async def missing_indexes(self, work: UnitOfWork) -> list[str]:
        missing: list[str] = []
        for plan in await building.plans(session_of(work), work.tenant_id):
            key = {"key": building.lock_key(plan.generation_id)}
            if not await session_of(work).scalar(_BEING_BUILT, key):
                missing.append(plan.dense if plan.is_large else "lexical_chunk")
        return missing


def _values(
    work: UnitOfWork, generation: GenerationFacts, version_ids: Sequence[uuid.UUID]
) -> dict[str, object]:
    return {
        "tenant_id": work.tenant_id,
        "generation_id": generation.id,
        "dimensions": generation.dimensions,
        "is_live": generation.is_live,
        "tolerance": NORM_TOLERANCE,
        "version_ids": list(version_ids),
    }


async def _faults(
    work: UnitOfWork,
    statement: TextClause,
    generation: GenerationFacts,
    version_ids: Sequence[uuid.UUID],
) -> list[VersionFault]:
    wanted = statement.compile().params.keys()
    values = _values(work, generation, version_ids)
    rows = await session_of(work).execute(statement, {name: values[name] for name in wanted})
    return [VersionFault(row.id, row.what) for row in rows]
